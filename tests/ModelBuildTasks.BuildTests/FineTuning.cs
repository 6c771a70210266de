using System.Text.RegularExpressions;
using ModelBuildTasks.BuildTests.Infra;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.BuildTests;

/// <summary>Models that are trained in the build, from the project file to the lock file and another machine.</summary>
[TestClass]
public sealed class FineTuning : IDisposable
{
    private const string Sample = "samples/MeterReader";

    // Refitted to nothing, half a model is far from its teacher, so that a few steps bring it nearer on any machine.
    private const string Item = """
        <OptimizedModel Include="models/digits.onnx" Precision="Float32" Targets="cpu" Pruning="Structured" Sparsity="0.5" FineTune="Distill" TrainingData="data/training" FineTuneEpochs="2" />
        """;

    private static readonly string[] s_options = ["-p:ModelMeasurement=Skip", "-p:ModelTrainedWeights=trained"];
    private readonly App _app = New();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void What_is_trained_is_made_once_and_locked_and_another_machine_takes_it_without_training()
    {
        _app.Build(["-t:UpdateModelLock", .. s_options]).ShouldSucceed();
        var first = Result(_app);
        var weights = first.Pinned!.TrainedWeights.Single();
        StringAssert.Contains(File.ReadAllText(_app.At("models.lock.json")), weights);
        Assert.AreEqual(weights, ContentDigest.OfFile(Directory.GetFiles(_app.At("trained")).Single()));
        Assert.AreEqual(0, _app.Build(s_options).ShouldSucceed().TaskRuns("OptimizeModels"));

        using var other = New();
        File.Copy(_app.At("models.lock.json"), other.At("models.lock.json"));
        Directory.Move(_app.At("trained"), other.At("trained"));
        other.Build(["-p:ModelLockedMode=true", .. s_options]).ShouldSucceed();

        var second = Result(other);
        Assert.IsFalse(second.FromCache);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
        StringAssert.Contains(second.Recipe.Single(step => step.Name == "iterative structured pruning").Explanation, "It was made before");
    }

    [TestMethod]
    public void A_build_says_how_far_training_is()
    {
        StringAssert.Matches(_app.Build(s_options).ShouldSucceed().Output, new Regex(@"digits \(cpu\): iterative structured pruning, [0-9]+ %, loss \S+"));
    }

    [TestMethod]
    public void Another_training_set_trains_anew()
    {
        _app.Build(s_options).ShouldSucceed();
        var first = Result(_app);
        File.Delete(Directory.GetFiles(_app.At("data/training"), "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First());

        _app.Build(s_options).ShouldSucceed();

        Assert.AreNotEqual(first.Pinned!.TrainedWeights.Single(), Result(_app).Pinned!.TrainedWeights.Single());
        Assert.HasCount(2, Directory.GetFiles(_app.At("trained")));
    }

    [TestMethod]
    public void A_damaged_file_fails_the_build_and_says_what_to_do()
    {
        _app.Build(["-t:UpdateModelLock", .. s_options]).ShouldSucceed();
        var file = Directory.GetFiles(_app.At("trained")).Single();
        File.WriteAllText(file, "<<<<<<< ours");
        Directory.Delete(_app.At("cache"), recursive: true);
        Directory.Delete(_app.At("obj"), recursive: true);

        StringAssert.Contains(_app.Build(s_options).ShouldFailWith("MBT4020").Output, file);
    }

    private static App New()
    {
        var app = new App { UsesRealWorker = true, ReferencesOnnxRuntime = true, Items = Item };
        var data = Path.Combine(Repository.Root, Sample, "Data", "calibration");
        File.Copy(Path.Combine(Repository.Root, Sample, "Models", "digits.onnx"), app.At("models/digits.onnx"), overwrite: true);
        foreach (var file in Directory.GetFiles(data, "*", SearchOption.AllDirectories))
        {
            var place = app.At(Path.Combine("data/training", Path.GetRelativePath(data, file)));
            Directory.CreateDirectory(Path.GetDirectoryName(place)!);
            File.Copy(file, place);
        }

        return app;
    }

    private static OptimizationResult Result(App app) => OptimizationResult.Read(Directory.GetFiles(app.At("obj"), "*.result.json", SearchOption.AllDirectories).Single());
}
