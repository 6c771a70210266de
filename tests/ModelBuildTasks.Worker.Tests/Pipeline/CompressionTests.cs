using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Requests for a compressed artifact, and what is said of pruned ones.</summary>
[TestClass]
public sealed class CompressionTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void The_output_is_the_artifact_compressed()
    {
        OptimizationResult plain = Workplace.Run(Pruned(request => request.OutputPath = place["obj/plain.onnx"]));
        OptimizationResult result = Workplace.Run(Compressed());

        CompressedModel.Restore(place.OutputPath, place["restored.onnx"]);
        CollectionAssert.AreEqual(File.ReadAllBytes(plain.ArtifactPath!), File.ReadAllBytes(place["restored.onnx"]));
        Assert.IsTrue(result.IsCompressed);
        Assert.AreEqual(ContentDigest.OfFile(place.OutputPath), result.ArtifactSha256);
        Assert.AreEqual(plain.Optimized!.Bytes, result.Optimized!.Bytes);
        Assert.AreEqual(new FileInfo(place.OutputPath).Length, result.Optimized.CompressedBytes);
        Assert.IsLessThan(0.6 * result.Optimized.Bytes, result.Optimized.CompressedBytes!.Value);
    }

    [TestMethod]
    public void Nothing_is_optimized_again_to_compress_it()
    {
        Workplace.Run(Pruned());

        Assert.IsTrue(Workplace.Run(Compressed()).FromCache);
    }

    [TestMethod]
    public void Size_is_judged_by_what_ships()
    {
        long shipped = Workplace.Run(Compressed()).Optimized!.CompressedBytes!.Value;

        Assert.DoesNotContain("MBT2004", Codes(Compressed(request => request.Budgets.MaxSizeBytes = shipped)));
        Assert.Contains("MBT2004", Codes(Compressed(request => request.Budgets.MaxSizeBytes = shipped - 1)));
        Assert.Contains("MBT2004", Codes(Pruned(request => request.Budgets.MaxSizeBytes = shipped)));
    }

    [TestMethod]
    public void No_temporary_file_stays()
    {
        Workplace.Run(Compressed());

        CollectionAssert.AreEqual(new[] { place.OutputPath }, Directory.GetFiles(place["obj"]));
    }

    [TestMethod]
    public void Of_a_pruned_model_is_said_what_compressing_would_make_of_it_and_of_the_source()
    {
        OptimizationResult result = Workplace.Run(Pruned());

        Assert.IsFalse(result.IsCompressed);
        Assert.IsLessThan(0.6 * result.Original!.CompressedBytes!.Value, result.Optimized!.CompressedBytes!.Value);
    }

    [TestMethod]
    public void Zeros_leave_the_multiplications_and_removed_channels_do_not()
    {
        OptimizationResult zeros = Workplace.Run(Pruned());
        OptimizationResult channels = Workplace.Run(Pruned(request => request.Settings.Pruning = Pruning.Structured));

        const long all = (64 * 128) + (128 * 4);
        Assert.AreEqual((all, all), (zeros.Original!.Multiplications, zeros.Optimized!.Multiplications));
        Assert.AreEqual(all, channels.Original!.Multiplications);
        Assert.IsLessThan(all / 2, channels.Optimized!.Multiplications!.Value);
    }

    [TestMethod]
    public void Where_nothing_is_pruned_nothing_is_compressed_to_know_it()
    {
        OptimizationResult result = Workplace.Run(place.Request(request => request.Settings.Precision = Precision.Float32));

        Assert.IsNull(result.Optimized!.CompressedBytes);
        Assert.IsNull(result.Optimized.Multiplications);
    }

    private static IEnumerable<string> Codes(OptimizationRequest request) => Workplace.Run(request).Diagnostics.Select(diagnostic => diagnostic.Code);

    private OptimizationRequest Compressed(Action<OptimizationRequest>? change = null) => Pruned(request =>
    {
        request.Compress = true;
        change?.Invoke(request);
    });

    private OptimizationRequest Pruned(Action<OptimizationRequest>? change = null) => place.Request(request =>
    {
        request.Settings.Precision = Precision.Float32;
        request.Settings.Pruning = Pruning.Magnitude;
        request.Settings.Sparsity = 0.7;
        change?.Invoke(request);
    });
}
