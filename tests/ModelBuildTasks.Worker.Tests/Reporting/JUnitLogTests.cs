using System.Xml.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.Files;
using static ModelBuildTasks.Worker.Tests.Infra.SampleResults;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class JUnitLogTests
{
    [TestMethod]
    [DataRow(Verdict.Passed, null)]
    [DataRow(Verdict.Failed, "failure")]
    [DataRow(Verdict.Undecided, "skipped")]
    [DataRow(Verdict.NotMeasured, "skipped")]
    public void A_budget_is_a_test_case_with_its_verdict(Verdict verdict, string? outcome)
    {
        XElement suite = Suite(Quantized().With(Budget(verdict)));

        XElement budget = suite.Element("testcase")!;
        Assert.AreEqual(("digits.cpu", "MaxSizeRatio ≤ × 0.3"), ((string?)budget.Attribute("classname"), (string?)budget.Attribute("name")));
        Assert.AreEqual(outcome, budget.Elements().SingleOrDefault()?.Name.LocalName);
        Assert.AreEqual(outcome is null ? null : $"MaxSizeRatio is {verdict}.", (string?)budget.Elements().SingleOrDefault()?.Attribute("message"));
        Assert.AreEqual((1, verdict == Verdict.Failed ? 1 : 0, outcome == "skipped" ? 1 : 0), ((int)suite.Attribute("tests")!, (int)suite.Attribute("failures")!, (int)suite.Attribute("skipped")!));
    }

    [TestMethod]
    public void A_model_without_an_artifact_is_an_error_that_names_the_reason()
    {
        XElement suite = Suite(Failed());

        Assert.AreEqual(1, (int)suite.Attribute("errors")!);
        StringAssert.Contains(suite.Descendants("error").Single().Value, "MBT4001");
    }

    [TestMethod]
    public void Names_that_xml_cannot_hold_are_made_to_fit()
    {
        XElement suite = Suite(Quantized(HostileName).With(Budget(Verdict.Failed)));

        Assert.AreEqual($"{HostileName.Replace('\u0001', '\uFFFD').Replace('\ud800', '\uFFFD')} for cpu", (string?)suite.Attribute("name"));
    }

    private static XElement Suite(ReportedModel model) => XDocument.Parse(JUnitLog.Write(ModelReport.Of([model]))).Root!.Element("testsuite")!;
}
