using Microsoft.Build.Framework;
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

    [TestMethod]
    public void The_weights_of_a_model_in_two_files_go_to_the_app_with_it()
    {
        WriteInTwoFiles();

        var file = Validate(Request(embed: "false")).Single();

        Assert.AreEqual(_folder.File("cuda.5e.data"), file.ItemSpec);
        Assert.AreEqual(("models/cuda.5e.data", "cuda"), (file.GetMetadata("LogicalName"), file.GetMetadata("TargetProfile")));
        Assert.IsEmpty(_engine.ErrorCodes);
    }

    [TestMethod]
    public void Weights_that_two_models_share_go_to_the_app_once()
    {
        WriteInTwoFiles();

        Assert.HasCount(1, Validate(Request(embed: "false"), Request(embed: "false")));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("true")]
    public void A_model_in_two_files_is_no_resource(string embed)
    {
        WriteInTwoFiles();

        Validate(Request(embed));

        Assert.AreEqual("MBT0017", _engine.ErrorCodes.Single());
    }

    private void WriteInTwoFiles() => new OptimizationResult { Succeeded = true, ExternalData = "cuda.5e.data", Optimized = new ModelFigures { Bytes = 3L << 30 } }.Write(_folder.File("digits.result.json"));

    private TaskItem Request(string embed)
    {
        var request = new TaskItem(_folder.File("digits.request.json"));
        request.SetMetadata("ResultPath", _folder.File("digits.result.json"));
        request.SetMetadata("ModelPath", _folder.File("digits.onnx"));
        request.SetMetadata("TargetProfile", "cuda");
        request.SetMetadata("Embed", embed);
        return request;
    }

    private ITaskItem[] Validate(params ITaskItem[] requests)
    {
        var task = new ValidateModelBudgets { BuildEngine = _engine, Requests = requests };
        task.Execute();
        return task.ExternalData;
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
