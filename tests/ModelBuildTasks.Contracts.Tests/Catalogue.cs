using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Contracts.Tests;

[TestClass]
public sealed partial class Catalogue
{
    private const string UpdateVariable = "MODELBUILD_UPDATE_DOCS";

    [TestMethod]
    public void Codes_are_unique_and_well_formed()
    {
        var codes = DiagnosticCatalogue.All.Select(descriptor => descriptor.Code).ToList();

        CollectionAssert.AllItemsAreUnique(codes);
        Assert.IsTrue(codes.TrueForAll(code => WellFormed().IsMatch(code)));
        Assert.IsGreaterThan(30, codes.Count);
    }

    [TestMethod]
    public void Every_message_says_what_to_do_and_links_to_its_section()
    {
        foreach (var descriptor in DiagnosticCatalogue.All)
        {
            var diagnostic = Diagnostic.Create(descriptor, "model.onnx", "a", "b", "c", "d", "e", "f");

            StringAssert.EndsWith(diagnostic.Message, descriptor.WhatToDo);
            StringAssert.EndsWith(diagnostic.HelpLink, $"#{descriptor.Code.ToLowerInvariant()}");
        }
    }

    [TestMethod]
    public void Only_MBT2xxx_are_budgets_and_locked_mode_is_none()
    {
        Assert.IsTrue(DiagnosticCatalogue.SizeBudget.IsBudget);
        Assert.IsTrue(DiagnosticCatalogue.LockRegression.IsBudget);
        Assert.IsFalse(DiagnosticCatalogue.LockOutOfDate.IsBudget);
        Assert.IsFalse(DiagnosticCatalogue.WorkerFailed.IsBudget);
    }

    [TestMethod]
    public void The_documentation_page_is_the_catalogue()
    {
        var page = Path.Combine(Repository.Root, "docs", "DIAGNOSTICS.md");
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            File.WriteAllText(page, Page());
        }

        Assert.AreEqual(Page(), File.ReadAllText(page).ReplaceLineEndings("\n"), $"Run this test with {UpdateVariable}=1 to write the page anew.");
    }

    private static string Page()
    {
        var page = new StringBuilder("""
            # Diagnostics

            Every error and warning of ModelBuildTasks, from `DiagnosticCatalogue`. `NoWarn`, `WarningsAsErrors`, `WarningsNotAsErrors` and
            `TreatWarningsAsErrors` work on the warnings as they do on the compiler's; `ModelBudgetSeverity` (`Error`, `Warning`, `None`)
            decides what a broken budget (MBT2xxx but for MBT2007) is.

            """.ReplaceLineEndings("\n"));
        foreach (var descriptor in DiagnosticCatalogue.All)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"\n## {descriptor.Code}\n**{descriptor.Title}** ({descriptor.Severity.ToString().ToLowerInvariant()})\n\n> {Placeholder().Replace(descriptor.MessageFormat, "…")}\n\n{descriptor.WhatToDo}\n");
        }

        return page.ToString();
    }

    [GeneratedRegex(@"^MBT[0-4]\d{3}$")]
    private static partial Regex WellFormed();

    [GeneratedRegex(@"\{\d\}")]
    private static partial Regex Placeholder();
}
