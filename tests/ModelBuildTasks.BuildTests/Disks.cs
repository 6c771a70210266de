using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class Disks : IDisposable
{
    private const string Outputs = "obj/Debug/net10.0/modelbuild";
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void An_artifact_that_does_not_fit_on_the_disk_is_told_with_its_path_and_the_next_build_succeeds()
    {
        _app.UsesRealWorker = true;
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Precision="Float32" />""";
        File.Copy(Path.Combine(Repository.Root, "samples/MeterReader/Models/digits.onnx"), _app.At("models/digits.onnx"), overwrite: true);
        using var disk = new Mount(_app.At(Outputs), "64k");

        var error = _app.Build("-p:ModelMeasurement=Skip").ShouldFailWith("MBT3003").Errors.Single();

        Assert.Contains(_app.At($"{Outputs}/digits/cpu/digits.onnx"), error.Text);
        Assert.Contains("No space left on device", error.Text);
        Assert.IsEmpty(Leftovers.In(_app));
        disk.Change("size=16m");
        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();
    }

    [TestMethod]
    public void A_disk_that_holds_not_even_the_result_is_told_and_the_next_build_succeeds()
    {
        using var disk = new Mount(_app.At(Outputs), "256k");
        _app.Write("worker/fault.txt", "fills");

        var error = _app.Build().ShouldFailWith("MBT3003").Errors.Single();

        Assert.Contains(_app.At($"{Outputs}/digits/cpu/digits.result.json"), error.Text);
        Assert.Contains("No space left on device", error.Text);
        File.Delete(_app.At("worker/fault.txt"));
        _app.Build().ShouldSucceed();
        Assert.IsEmpty(Leftovers.In(_app));
    }

    [TestMethod]
    public void A_read_only_obj_is_told_and_the_previous_artifact_stays()
    {
        using var disk = new Mount(_app.At(Outputs), "1m");
        _app.Build().ShouldSucceed();
        var artifact = File.ReadAllBytes(_app.At($"{Outputs}/digits/cpu/digits.onnx"));
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Precision="Float32" />""";
        disk.Change("ro");

        Assert.Contains(_app.At(Outputs), _app.Build().ShouldFailWith("MBT3003").Errors.Single().Text);

        CollectionAssert.AreEqual(artifact, File.ReadAllBytes(_app.At($"{Outputs}/digits/cpu/digits.onnx")));
        disk.Change("rw");
        _app.Build().ShouldSucceed();
    }

    [TestMethod]
    public void A_file_in_place_of_the_folder_is_told()
    {
        _app.Write(Outputs, "no folder");

        Assert.Contains(_app.At(Outputs), _app.Build().ShouldFailWith("MBT3003").Errors.Single().Text);

        File.Delete(_app.At(Outputs));
        _app.Build().ShouldSucceed();
    }

    [TestMethod]
    [DataRow("4k", "rw")]
    [DataRow("1m", "ro")]
    public void A_cache_that_is_full_or_read_only_fails_no_build(string size, string access)
    {
        _app.UsesRealWorker = true;
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Precision="Float32" />""";
        using var disk = new Mount(_app.At("cache"), size);
        disk.Change(access);

        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();
    }

    [TestMethod]
    public void A_file_in_place_of_the_cache_fails_no_build()
    {
        _app.UsesRealWorker = true;
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Precision="Float32" />""";
        _app.Write("cache", "no folder");

        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();
    }
}
