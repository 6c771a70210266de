using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Limits are absurd, so that no measurement decides.</summary>
[TestClass]
public sealed class MemoryBudgetTests : IDisposable
{
    private const string Stage = "measuring memory";
    private const long Terabyte = 1L << 40;

    private readonly Workplace place = Workplace.With(SmallModels.Mlp());
    private readonly List<string> stages = [];

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void MaxMemory_fails_above_it_and_both_models_are_told()
    {
        OptimizationResult result = Run(1);

        Diagnostic diagnostic = result.Diagnostics.Single(found => found.IsBudget);
        Assert.AreEqual("MBT2005", diagnostic.Code);
        StringAssert.Contains(diagnostic.Message, "bytes of memory; 1 is allowed");
        Assert.IsGreaterThan(0, result.Original!.PeakMemoryBytes!.Value);
        Assert.AreEqual(result.Budgets.Single().Value, result.Optimized!.PeakMemoryBytes);
    }

    [TestMethod]
    public void MaxMemory_passes_within_it() => Assert.AreEqual(Verdict.Passed, Run(Terabyte).Budgets.Single().Verdict);

    [TestMethod]
    public void Without_the_budget_no_process_is_started()
    {
        OptimizationResult result = Run(null);

        Assert.DoesNotContain(Stage, stages);
        Assert.IsNull(result.Optimized!.PeakMemoryBytes);
    }

    [TestMethod]
    public void An_artifact_that_was_made_without_the_budget_is_judged_once_there_is_one_and_measured_once()
    {
        Run(null);

        OptimizationResult judged = Run(Terabyte);
        Assert.IsTrue(judged.FromCache);
        Assert.AreEqual(Verdict.Passed, judged.Budgets.Single().Verdict);
        Assert.Contains(Stage, stages);

        stages.Clear();
        OptimizationResult again = Run(Terabyte - 1);
        Assert.DoesNotContain(Stage, stages);
        Assert.AreEqual(judged.Optimized!.PeakMemoryBytes, again.Optimized!.PeakMemoryBytes);
    }

    [TestMethod]
    public void Skipped_measurement_leaves_it_unmeasured_and_says_so()
    {
        OptimizationResult result = Run(Terabyte, Measurement.Skip);

        Assert.AreEqual(Verdict.NotMeasured, result.Budgets.Single().Verdict);
        StringAssert.Contains(result.Diagnostics.Single(found => found.Code == "MBT1002").Message, "ModelMeasurement is Skip");
    }

    [TestMethod]
    [DataRow(Measurement.Skip, TargetNames.Cpu, "MBT1002")]
    [DataRow(Measurement.Require, TargetNames.Cuda, "MBT2008")]
    public void What_was_not_measured_names_the_budget_once(Measurement measurement, string target, string code)
    {
        string message = Run(Terabyte, measurement, target).Diagnostics.Single(found => found.Code == code).Message;

        Assert.HasCount(2, message.Split("MaxMemory"), message);
    }

    [TestMethod]
    public void Where_it_must_be_measured_and_can_not_the_build_fails()
    {
        Diagnostic diagnostic = Run(Terabyte, Measurement.Require, TargetNames.Cuda).Diagnostics.Single(found => found.IsBudget);

        Assert.AreEqual("MBT2008", diagnostic.Code);
        StringAssert.Contains(diagnostic.Message, "this machine cannot run cuda artifacts");
    }

    private OptimizationResult Run(long? limit, Measurement measurement = Measurement.Auto, string target = TargetNames.Cpu) => Workplace.Run(place.Request(request =>
    {
        request.Target = target;
        request.Measurement = measurement;
        request.Settings.Precision = Precision.Float32;
        request.Budgets.MaxMemoryBytes = limit;
    }), progress => stages.Add(progress.Stage));
}
