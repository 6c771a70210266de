using System.Reflection;
using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Tests;

/// <summary>Accessors with variants for devices beside the processor, of which there is none here.</summary>
[TestClass]
public sealed class AccessorDevices : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void What_runs_a_variant_is_told_where_load_chose_it()
    {
        var program = new GeneratedAccessor(_folder, Classifier(), targets: ["cuda"]).With("""
            namespace MyApp
            {
                public static class Program
                {
                    public static string Best() { using var digits = Digits.Load(); return $"{digits.Variant} {digits.ExecutionProvider}"; }
                    public static string Configured() { using var digits = Digits.LoadWith((variant, options) => options.IntraOpNumThreads = 1); return $"{digits.Variant} {digits.ExecutionProvider}"; }
                    public static bool Named() { using var digits = Digits.Load("cuda", new Microsoft.ML.OnnxRuntime.SessionOptions()); return digits.ExecutionProvider is null; }
                }
            }
            """).Load().GetType("MyApp.Program")!;

        // There is no device here.
        Assert.AreEqual("cuda CPUExecutionProvider", Call(program, "Best"));
        Assert.AreEqual("cuda CPUExecutionProvider", Call(program, "Configured"));
        Assert.AreEqual(true, Call(program, "Named"));
    }

    [TestMethod]
    [DataRow("tensorrt", "TensorrtExecutionProvider")]
    [DataRow("cuda", "CUDAExecutionProvider")]
    [DataRow("directml", "DmlExecutionProvider")]
    public void A_session_for_a_device_is_said_to_be_one(string target, string provider)
    {
        var source = new GeneratedAccessor(_folder, Classifier(), targets: [target, "cpu"]).Source;

        StringAssert.Contains(source, $"return new Digits(\"{target}\", artifact, device, \"{provider}\");");
    }

    [TestMethod]
    public void Why_a_device_is_not_taken_goes_to_the_trace()
    {
        var accessor = new GeneratedAccessor(_folder, Classifier(), targets: ["tensorrt", "cuda", "cpu"]);

        StringAssert.Contains(accessor.Source, "TraceWarning(\"The variant tensorrt of digits was not taken: \" + refusal.Message);");
        StringAssert.Contains(accessor.Source, "TraceWarning(\"The variant cuda of digits was not taken: \" + refusal.Message);");
    }

    [TestMethod]
    [DataRow("Float; Int8", "trt_int8_enable=1 trt_fp16_enable=0")]
    [DataRow("Float16; Int64", "trt_int8_enable=0 trt_fp16_enable=1")]
    [DataRow("Float; UInt8", "trt_int8_enable=0 trt_fp16_enable=0")]
    [DataRow(null, "trt_int8_enable=0 trt_fp16_enable=0")]
    public void Tensorrt_computes_in_the_precisions_that_the_artifact_holds(string? types, string expected)
    {
        // ModelProto.metadata_props.
        byte[] model = types is null ? Classifier() : [.. Classifier(), .. Message(14, [.. Message(1, "modelbuild.types"), .. Message(2, types)])];

        var options = TensorRtOptions(model, folder: Path.Combine(_folder.Path, "kept"));

        Assert.AreEqual(expected, $"trt_int8_enable={options["trt_int8_enable"]} trt_fp16_enable={options["trt_fp16_enable"]}");
    }

    [TestMethod]
    public void Tensorrt_keeps_its_engines_and_timings_in_a_folder_that_is_made()
    {
        var folder = Path.Combine(_folder.Path, "not", "yet");

        var options = TensorRtOptions(Classifier(), folder);

        Assert.IsTrue(Directory.Exists(folder));
        Assert.AreEqual($"1 {folder} 1 {folder}", $"{options["trt_engine_cache_enable"]} {options["trt_engine_cache_path"]} {options["trt_timing_cache_enable"]} {options["trt_timing_cache_path"]}");
    }

    [TestMethod]
    public void Tensorrt_keeps_nothing_where_the_folder_can_not_be_made()
    {
        var options = TensorRtOptions(Classifier(), folder: Path.Combine(_folder.Write("taken", [1]), "kept"));

        Assert.AreEqual("trt_int8_enable trt_fp16_enable trt_sparsity_enable", string.Join(' ', options.Keys));
    }

    [TestMethod]
    public void Tensorrt_is_loaded_before_a_folder_is_made_for_its_engines()
    {
        var source = new GeneratedAccessor(_folder, Classifier(), targets: ["tensorrt", "cpu"]).Source;

        Assert.IsLessThan(source.IndexOf("TensorRtOptions(artifact", StringComparison.Ordinal), source.IndexOf("AppendExecutionProvider_Tensorrt(", StringComparison.Ordinal));
    }

    [TestMethod]
    public void Tensorrt_looks_for_weights_of_which_two_in_four_are_zero() =>
        Assert.AreEqual("1", TensorRtOptions(Classifier(), folder: Path.Combine(_folder.Path, "kept"))["trt_sparsity_enable"]);

    [TestMethod]
    public void Tensorrt_is_told_everything_at_once_since_each_call_forgets_what_an_earlier_one_said()
    {
        var source = new GeneratedAccessor(_folder, Classifier(), targets: ["tensorrt", "cpu"]).Source;

        Assert.HasCount(2, source.Split("UpdateOptions("));
    }

    private Dictionary<string, string> TensorRtOptions(byte[] model, string folder)
    {
        var digits = new GeneratedAccessor(_folder, model, targets: ["tensorrt", "cpu"]).Load().GetType("MyApp.Digits")!;
        return (Dictionary<string, string>)digits.GetMethod("TensorRtOptions", BindingFlags.NonPublic | BindingFlags.Static)!.Invoke(null, [model, folder])!;
    }

    private static object? Call(Type program, string method) => program.GetMethod(method)!.Invoke(null, null);

    private static byte[] Classifier() => Model([Tensor("image", Float, "N", 3)], [Tensor("scores", Float, "N", 3)], Identity("image", "scores"));
}
