using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Tests.Infra;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class Verdicts : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BuildEngine _engine = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void A_broken_budget_is_said_in_every_build()
    {
        Write(DiagnosticCatalogue.SizeBudget);

        Assert.IsFalse(Validate());
        Assert.IsFalse(Validate());

        CollectionAssert.AreEqual(new[] { "MBT2004", "MBT2004" }, _engine.ErrorCodes.ToArray());
    }

    [TestMethod]
    public void A_fault_of_the_environment_is_said_once_and_then_tried_again()
    {
        Write(DiagnosticCatalogue.CannotWrite);

        Assert.IsFalse(Validate());

        Assert.AreEqual("MBT3003", _engine.ErrorCodes.Single());
        Assert.IsFalse(File.Exists(_folder.File("digits.result.json")));
    }

    [TestMethod]
    public void A_model_that_could_not_be_made_is_tried_again()
    {
        Write(DiagnosticCatalogue.ExternalData, succeeded: false);

        Assert.IsFalse(Validate());

        Assert.IsFalse(File.Exists(_folder.File("digits.result.json")));
    }

    [TestMethod]
    public void Without_a_build_a_model_may_have_no_result_and_a_broken_budget_still_fails()
    {
        Assert.IsTrue(Validate(isNoBuild: true));
        Write(DiagnosticCatalogue.SizeBudget);

        Assert.IsFalse(Validate(isNoBuild: true));
    }

    [TestMethod]
    public void What_the_network_did_to_one_build_is_no_news_of_the_next()
    {
        Write(DiagnosticCatalogue.RemoteCacheFailed);

        Assert.IsTrue(Validate());
        Assert.IsTrue(Validate());

        Assert.AreEqual("MBT1007", _engine.WarningCodes.Single());
    }

    private void Write(DiagnosticDescriptor descriptor, bool succeeded = true)
    {
        var result = new OptimizationResult { Succeeded = succeeded };
        result.Diagnostics.Add(Diagnostic.Create(descriptor, "digits.onnx", "digits", "cpu", "something", "else"));
        result.Write(_folder.File("digits.result.json"));
    }

    private bool Validate(bool isNoBuild = false)
    {
        var request = new TaskItem("digits.request.json");
        request.SetMetadata("ResultPath", _folder.File("digits.result.json"));
        return new ValidateModelBudgets { BuildEngine = _engine, Requests = [request], IsNoBuild = isNoBuild }.Execute();
    }
}
