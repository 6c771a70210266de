using System.Globalization;
using System.Runtime.Serialization;

namespace ModelBuildTasks.Contracts;

/// <summary>A finding about one file: what was found, what was allowed, and what to do.</summary>
[DataContract]
public sealed class Diagnostic
{
    private Diagnostic(DiagnosticDescriptor descriptor, string? file, string message)
    {
        Code = descriptor.Code;
        Severity = descriptor.Severity;
        File = file;
        Message = message;
        HelpLink = descriptor.HelpLink;
    }

    [DataMember(Order = 0)] public string Code { get; private set; }

    public DiagnosticSeverity Severity { get; private set; }

    /// <summary>Full path of the model, data set or project that is meant.</summary>
    [DataMember(Order = 2)] public string? File { get; private set; }

    [DataMember(Order = 3)] public string Message { get; private set; }

    [DataMember(Order = 4)] public string HelpLink { get; private set; }

    /// <summary>Whether <c>ModelBudgetSeverity</c> applies.</summary>
    public bool IsBudget => DiagnosticDescriptor.IsBudgetCode(Code);

    /// <summary>Whether the tool or its environment is to blame (MBT3xxx), so that the same request may succeed another time.</summary>
    public bool IsEnvironment => Code.StartsWith("MBT3", System.StringComparison.Ordinal);

    [DataMember(Order = 1, Name = nameof(Severity))]
    private string SeverityText { get => Severity.ToString(); set => Severity = Choice.Parse<DiagnosticSeverity>(value); }

    /// <param name="descriptor">An entry of <see cref="DiagnosticCatalogue"/>.</param>
    /// <param name="file">Full path of what the finding is about.</param>
    /// <param name="arguments">What the descriptor's message format asks for, formatted in the invariant culture.</param>
    public static Diagnostic Create(DiagnosticDescriptor descriptor, string? file, params object[] arguments) =>
        new(descriptor, file, $"{string.Format(CultureInfo.InvariantCulture, descriptor.MessageFormat, arguments)} {descriptor.WhatToDo}");

    public override string ToString() => $"{File}: {Severity.ToString().ToLowerInvariant()} {Code}: {Message}";
}
