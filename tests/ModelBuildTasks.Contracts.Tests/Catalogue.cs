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
    public void Every_code_has_a_cause_and_an_example_that_fits_one_screen()
    {
        // Ten lines of an 80-column window.
        const int mostCharacters = 800;
        foreach (var descriptor in DiagnosticCatalogue.All)
        {
            var example = DiagnosticExamples.Of(descriptor);

            Assert.IsNotNull(example, $"{descriptor.Code} has no example in {nameof(DiagnosticExamples)}.");
            Assert.IsLessThanOrEqualTo(mostCharacters, example.Value.Message.Length, example.Value.Message);
            Assert.IsFalse(Placeholder().IsMatch(example.Value.Message), example.Value.Message);
            StringAssert.EndsWith(example.Value.Cause, ".");
        }
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
            decides what a broken budget (MBT2xxx but for MBT2007) is. Each section has the cause, an example, and the cure, which the message ends with.

            """.ReplaceLineEndings("\n"));
        foreach (var descriptor in DiagnosticCatalogue.All)
        {
            var (cause, message) = DiagnosticExamples.Of(descriptor) ?? ("", "");
            var severity = descriptor.Severity.ToString().ToLowerInvariant();
            page.Append(CultureInfo.InvariantCulture,
                $"\n## {descriptor.Code}\n**{descriptor.Title}** ({severity})\n\n{cause}\n\n> {severity} {descriptor.Code}: {message[..^descriptor.WhatToDo.Length].TrimEnd()}\n\n**Cure.** {descriptor.WhatToDo}\n");
        }

        return page.ToString();
    }

    [GeneratedRegex(@"^MBT[0-4]\d{3}$")]
    private static partial Regex WellFormed();

    [GeneratedRegex(@"\{\d\}")]
    private static partial Regex Placeholder();
}
