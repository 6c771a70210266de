using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class RequestKeyTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());
    private readonly Workplace other = Workplace.With(SmallModels.Mlp());

    public void Dispose()
    {
        place.Dispose();
        other.Dispose();
    }

    [TestMethod]
    public void Is_the_same_wherever_the_files_lie() => Assert.AreEqual(Key(place), Key(other));

    [TestMethod]
    public void Does_not_depend_on_file_times()
    {
        string before = Key(place);
        File.SetLastWriteTimeUtc(place.ModelPath, DateTime.UtcNow.AddDays(-9));
        File.SetLastWriteTimeUtc(place["evaluation/x.npy"], DateTime.UtcNow.AddDays(-9));

        Assert.AreEqual(before, Key(place));
    }

    [TestMethod]
    public void Does_not_depend_on_where_the_output_goes_what_it_is_called_or_how_its_size_is_judged() => Assert.AreEqual(Key(place), Key(place, request =>
    {
        request.Name = "other";
        request.OutputPath = place["other/other.onnx"];
        request.Budgets.MaxSizeBytes = 1;
        request.TimeoutSeconds = 5;
    }));

    [TestMethod]
    public void Depends_on_the_bytes_of_the_model()
    {
        SmallModels.Mlp(seed: 2).Save(other.ModelPath);

        Assert.AreNotEqual(Key(place), Key(other));
    }

    [TestMethod]
    public void Depends_on_the_bytes_of_the_data() => Assert.AreNotEqual(Key(place), Key(place, seed: 8));

    [TestMethod]
    [DynamicData(nameof(Changes))]
    public void Depends_on(string what, Action<OptimizationRequest> change) => Assert.AreNotEqual(Key(place), Key(place, change), what);

    private static IEnumerable<(string What, Action<OptimizationRequest> Change)> Changes =>
    [
        ("target", request => request.Target = TargetNames.CpuX64),
        ("precision", request => request.Settings.Precision = Precision.Int8),
        ("quantization", request => request.Settings.Quantization = Quantization.Dynamic),
        ("calibration", request => request.Settings.Calibration = Calibration.MinMax),
        ("pruning", request => request.Settings.Pruning = Contracts.Pruning.Magnitude),
        ("sparsity", request => request.Settings.Sparsity = 0.5),
        ("threshold", request => request.Settings.PruningThreshold = 0.5),
        ("scope", request => request.Settings.PruningScope = PruningScope.Local),
        ("metric", request => request.Settings.Metric = Metric.Cosine),
        ("measurement", request => request.Measurement = Measurement.Auto),
        ("accuracy drop that Auto may spend", request => request.Budgets.MaxAccuracyDrop = 0.2),
    ];

    [TestMethod]
    public void Tells_calibration_data_from_evaluation_data()
    {
        using SourceModel source = SourceModel.Load(place.ModelPath);
        Dataset data = Dataset.Open(place.WriteData("data"), source.Session.Inputs);

        Assert.AreNotEqual(RequestKey.Of(place.Request(), source, data, null), RequestKey.Of(place.Request(), source, null, data));
    }

    private static string Key(Workplace place, Action<OptimizationRequest>? change = null, int seed = 7)
    {
        using SourceModel source = SourceModel.Load(place.ModelPath);
        Dataset data = Dataset.Open(place.WriteData("evaluation", seed: seed), source.Session.Inputs);
        return RequestKey.Of(place.Request(change), source, null, data);
    }
}
