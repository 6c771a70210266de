using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Diagnostics;

/// <summary>
/// Logs diagnostics with code, file and help link. MSBuild itself honours NoWarn, WarningsAsErrors and WarningsNotAsErrors for
/// the warnings of tasks, but not TreatWarningsAsErrors (https://github.com/dotnet/msbuild/issues/7403), so that is done here.
/// </summary>
internal sealed class DiagnosticLog(TaskLoggingHelper log, bool treatWarningsAsErrors = false, string? noWarn = null, string? warningsNotAsErrors = null)
{
    private static readonly char[] Separators = [';', ',', ' ', '\r', '\n', '\t'];
    private readonly HashSet<string> _staysWarning = new(Codes(noWarn).Concat(Codes(warningsNotAsErrors)), StringComparer.OrdinalIgnoreCase);

    public void Write(Diagnostic diagnostic) => Write(diagnostic, diagnostic.Severity);

    /// <summary>As the project's ModelBudgetSeverity has it.</summary>
    public void Write(Diagnostic diagnostic, BudgetSeverity budgets)
    {
        if (!diagnostic.IsBudget || budgets == BudgetSeverity.Error)
        {
            Write(diagnostic);
        }
        else if (budgets == BudgetSeverity.Warning)
        {
            Write(diagnostic, DiagnosticSeverity.Warning);
        }
        else
        {
            log.LogMessage(MessageImportance.Normal, "{0}", diagnostic);
        }
    }

    private void Write(Diagnostic diagnostic, DiagnosticSeverity severity)
    {
        if (severity == DiagnosticSeverity.Error || (treatWarningsAsErrors && !_staysWarning.Contains(diagnostic.Code)))
        {
            log.LogError(null, diagnostic.Code, null, diagnostic.HelpLink, diagnostic.File, diagnostic.Line, diagnostic.Column, 0, 0, diagnostic.Message, null);
        }
        else
        {
            log.LogWarning(null, diagnostic.Code, null, diagnostic.HelpLink, diagnostic.File, diagnostic.Line, diagnostic.Column, 0, 0, diagnostic.Message, null);
        }
    }

    private static string[] Codes(string? list) => list?.Split(Separators, StringSplitOptions.RemoveEmptyEntries) ?? [];
}
