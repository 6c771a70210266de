using System.Globalization;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>A finding about one file: what was found, what was allowed, and what to do.</summary>
public sealed class Diagnostic
{
    private Diagnostic(string code, DiagnosticSeverity severity, string? file, int line, int column, string message, string helpLink)
    {
        Code = code;
        Severity = severity;
        File = file;
        Line = line;
        Column = column;
        Message = message;
        HelpLink = helpLink;
    }

    public string Code { get; }

    public DiagnosticSeverity Severity { get; }

    /// <summary>Full path of the model, data set or project that is meant.</summary>
    public string? File { get; }

    /// <summary>Line in <see cref="File"/>, from 1; 0 when the whole file is meant.</summary>
    public int Line { get; }

    /// <summary>Column in <see cref="Line"/>, from 1; 0 when the whole line is meant.</summary>
    public int Column { get; }

    public string Message { get; }

    public string HelpLink { get; }

    /// <summary>Whether <c>ModelBudgetSeverity</c> applies.</summary>
    public bool IsBudget => DiagnosticDescriptor.IsBudgetCode(Code);

    /// <summary>Whether the tool or its environment is to blame (MBT3xxx), so that the same request may succeed another time.</summary>
    public bool IsEnvironment => Code.StartsWith("MBT3", System.StringComparison.Ordinal);

    /// <summary>Whether this is news of one build only, which the next must not repeat.</summary>
    public bool IsTransient => IsEnvironment || Code == DiagnosticCatalogue.RemoteCacheFailed.Code;

    /// <param name="descriptor">An entry of <see cref="DiagnosticCatalogue"/>.</param>
    /// <param name="file">Full path of what the finding is about.</param>
    /// <param name="arguments">What the descriptor's message format asks for, formatted in the invariant culture.</param>
    public static Diagnostic Create(DiagnosticDescriptor descriptor, string? file, params object[] arguments) =>
        new(descriptor.Code, descriptor.Severity, file, 0, 0, $"{string.Format(CultureInfo.InvariantCulture, descriptor.MessageFormat, arguments)} {descriptor.WhatToDo}", descriptor.HelpLink);

    /// <summary>The same finding at another place.</summary>
    public Diagnostic At(string? file, int line = 0, int column = 0) => new(Code, Severity, file, line, column, Message, HelpLink);

    internal static Diagnostic Read(JsonObject json) => new(
        json.Text(nameof(Code)) ?? "", json.Choice<DiagnosticSeverity>(nameof(Severity)), json.Text(nameof(File)),
        (int)(json.Integer(nameof(Line)) ?? 0), (int)(json.Integer(nameof(Column)) ?? 0), json.Text(nameof(Message)) ?? "", json.Text(nameof(HelpLink)) ?? "");

    internal void Write(JsonWriter json) => json
        .Add(nameof(Code), Code)
        .Add(nameof(Severity), Severity.ToString())
        .Add(nameof(File), File)
        .Add(nameof(Line), Line)
        .Add(nameof(Column), Column)
        .Add(nameof(Message), Message)
        .Add(nameof(HelpLink), HelpLink);

    public override string ToString() => $"{File}: {Severity.ToString().ToLowerInvariant()} {Code}: {Message}";
}
