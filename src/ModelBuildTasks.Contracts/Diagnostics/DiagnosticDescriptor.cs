namespace ModelBuildTasks.Contracts;

public enum DiagnosticSeverity { Warning, Error }

/// <summary>One kind of finding. Its code means the same for ever.</summary>
public sealed class DiagnosticDescriptor
{
    private const string HelpPage = "https://github.com/modelbuildtasks/modelbuildtasks/blob/main/docs/DIAGNOSTICS.md";

    internal DiagnosticDescriptor(string code, string title, DiagnosticSeverity severity, string messageFormat, string whatToDo)
    {
        Code = code;
        Title = title;
        Severity = severity;
        MessageFormat = messageFormat;
        WhatToDo = whatToDo;
    }

    /// <summary>MBT and four digits.</summary>
    public string Code { get; }

    public string Title { get; }

    public DiagnosticSeverity Severity { get; }

    /// <summary>What was found and what was expected; a composite format string.</summary>
    public string MessageFormat { get; }

    /// <summary>The next step, appended to every message.</summary>
    public string WhatToDo { get; }

    /// <summary>The code's section in docs/DIAGNOSTICS.md.</summary>
    public string HelpLink => $"{HelpPage}#{Code.ToLowerInvariant()}";

    /// <summary>Whether this is a budget, which <c>ModelBudgetSeverity</c> may soften.</summary>
    public bool IsBudget => IsBudgetCode(Code);

    // A locked build makes what is locked or nothing, however good something else may be.
    internal static bool IsBudgetCode(string code) => code.StartsWith("MBT2", System.StringComparison.Ordinal) && code != DiagnosticCatalogue.LockOutOfDate.Code;
}
