using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using ModelBuildTasks.Accessors;
using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class Accessors : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void Reads_as_the_documentation_shows()
    {
        var accessor = new GeneratedAccessor(_folder, Classifier()).With("""
            namespace MyApp
            {
                public static class Program
                {
                    public static float Main(float[] pixels)
                    {
                        using var digits = Digits.Load();
                        System.ReadOnlySpan<float> scores = digits.Run(pixels).Scores;
                        return scores[1];
                    }

                    public static string Facts() => $"{Digits.Inputs.Image.Name} {Digits.Inputs.Image.ElementType} {string.Join(",", Digits.Inputs.Image.Shape)} {Digits.Outputs.Scores.Name} {string.Join(",", Digits.Variants)}";
                    public static long Bytes() { using var stream = Digits.OpenRead(); return stream.Length; }
                    public static string Best() { using var digits = Digits.Load(null); return digits.Variant; }
                    public static string Chosen() { using var digits = Digits.Load(new Microsoft.ML.OnnxRuntime.SessionOptions()); return digits.Variant; }
                }
            }
            """);

        var program = accessor.Load().GetType("MyApp.Program")!;

        Assert.AreEqual(7f, Call(program, "Main", new float[] { 5, 7, 9 }));
        Assert.AreEqual("image Float -1,3 scores cpu", Call(program, "Facts"));
        Assert.AreEqual((long)Classifier().Length, Call(program, "Bytes"));
        Assert.AreEqual("cpu", Call(program, "Best"));
        Assert.AreEqual("cpu", Call(program, "Chosen"));
    }

    [TestMethod]
    [DataRow(LanguageVersion.CSharp7_3)]
    [DataRow(LanguageVersion.CSharp8)]
    [DataRow(LanguageVersion.CSharp14)]
    public void Compiles_without_a_warning_in_every_supported_language(LanguageVersion language)
    {
        var accessor = new GeneratedAccessor(_folder, Everything(), targets: ["tensorrt", "cuda", "directml", "cpu-x64", "cpu-arm64"], language: language);

        Assert.AreEqual("", string.Join("\n", Ours(accessor, language)));
    }

    [TestMethod]
    [DataRow(LanguageVersion.CSharp7_3)]
    [DataRow(LanguageVersion.CSharp14)]
    public void Compiles_without_a_warning_when_the_model_is_beside_the_app(LanguageVersion language)
    {
        var accessor = new GeneratedAccessor(_folder, Classifier(), targets: ["cpu-x64", "cpu-arm64"], language: language, metadata: [("Embed", "false")]);

        Assert.AreEqual("", string.Join("\n", Ours(accessor, language)));
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux, IgnoreMessage = "/proc/cpuinfo tells what the processor has.")]
    public void Asks_for_exact_products_only_where_the_processor_saturates()
    {
        var flags = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal))?.Split(' ');

        Assert.AreEqual(flags is not null && !flags.Contains("avx512_vnni") && !flags.Contains("avx_vnni"), ProductsSaturate(LanguageVersion.Latest));
    }

    [TestMethod]
    public void Asks_for_exact_products_where_the_processor_can_not_be_asked() => Assert.IsTrue(ProductsSaturate(LanguageVersion.CSharp7_3));

    [TestMethod]
    public void A_model_that_is_not_beside_the_app_is_missed_with_the_places_that_were_searched()
    {
        var digits = new GeneratedAccessor(_folder, Classifier(), metadata: [("Embed", "false")]).Load().GetType("MyApp.Digits")!;

        var exception = Assert.ThrowsExactly<TargetInvocationException>(() => digits.GetMethod("OpenRead")!.Invoke(null, [null]));

        var missing = Assert.IsInstanceOfType<FileNotFoundException>(exception.InnerException);
        StringAssert.Contains(missing.Message, Path.Combine(AppContext.BaseDirectory, "models", "digits.cpu.onnx"));
    }

    [TestMethod]
    [DataRow(LanguageVersion.CSharp7_3)]
    [DataRow(LanguageVersion.CSharp14)]
    public void Compiles_without_a_warning_when_the_model_is_compressed(LanguageVersion language)
    {
        var accessor = new GeneratedAccessor(_folder, Classifier(), targets: ["tensorrt", "cuda", "directml", "cpu-x64", "cpu-arm64"], language: language, compressed: Compressed(Classifier()));

        Assert.AreEqual("", string.Join("\n", Ours(accessor, language)));
    }

    [TestMethod]
    public void A_compressed_model_runs_and_is_read_as_the_model_itself()
    {
        var accessor = new GeneratedAccessor(_folder, Classifier(), compressed: Compressed(Classifier())).With("""
            namespace MyApp
            {
                public static class Program
                {
                    public static float Main() { using var digits = Digits.Load(); return digits.Run(new float[] { 5, 7, 9 }).Scores[1]; }
                    public static byte[] Bytes() { using var stream = Digits.OpenRead(); using var copy = new System.IO.MemoryStream(); stream.CopyTo(copy); return copy.ToArray(); }
                }
            }
            """);

        var program = accessor.Load().GetType("MyApp.Program")!;

        Assert.AreEqual(7f, Call(program, "Main"));
        CollectionAssert.AreEqual(Classifier(), (byte[])Call(program, "Bytes")!);
    }

    [TestMethod]
    [DynamicData(nameof(Damages))]
    public void A_damaged_resource_is_refused_by_name_at_load(string damage, Func<byte[], byte[]> break_)
    {
        var accessor = new GeneratedAccessor(_folder, Classifier(), compressed: break_(Compressed(Classifier()))).With("""
            namespace MyApp { public static class Program { public static void Main() { using var digits = Digits.Load(); } } }
            """);

        var exception = Assert.ThrowsExactly<TargetInvocationException>(() => Call(accessor.Load().GetType("MyApp.Program")!, "Main")).InnerException;

        Assert.IsInstanceOfType<InvalidDataException>(exception, damage);
        StringAssert.Contains(exception.Message, "models/digits.cpu.onnx.br is damaged: ");
    }

    [TestMethod]
    public void A_model_is_read_once_however_often_a_session_is_tried()
    {
        var source = new GeneratedAccessor(_folder, Classifier(), compressed: Compressed(Classifier())).Source;

        // One for Load without options, one for the variant that is named.
        Assert.HasCount(3, source.Split("Read(Locate("));
    }

    [TestMethod]
    public void Without_onnx_runtime_there_is_the_byte_access_alone()
    {
        var accessor = new GeneratedAccessor(_folder, Classifier(), hasOnnxRuntime: false).With("""
            namespace MyApp { public static class Program { public static int First() { using var stream = Digits.OpenRead("cpu"); return stream.ReadByte(); } } }
            """);

        Assert.AreEqual(8, Call(accessor.Load().GetType("MyApp.Program")!, "First"));
        Assert.DoesNotContain("OnnxRuntime.", accessor.Source.Replace("reference Microsoft.ML.OnnxRuntime 1.16 or later for", "", StringComparison.Ordinal));
    }

    [TestMethod]
    public void Keywords_collisions_and_odd_names_become_names()
    {
        byte[] model = Model(
            [Tensor("class", Float, 1), Tensor("in:0", Float, 1), Tensor("in/0", Float, 1), Tensor("3d", Float, 1), Tensor("inputs", Float, 1), Tensor("数", Float, 1)],
            [Tensor("Dispose", Float, 1), Tensor("a", Float, "n"), Tensor("aShape", Float, 1), Tensor("\"quote\\", Float, 1), Tensor("</summary>\n", Float, 1), Tensor("", Float, 1)]);

        var accessor = new GeneratedAccessor(_folder, model, name: "run");

        Assert.AreEqual("", string.Join("\n", accessor.Problems));
    }

    [TestMethod]
    [DataRow("Inputs")]
    [DataRow("Result")]
    [DataRow("Load")]
    [DataRow("System")]
    [DataRow("string")]
    public void A_model_may_be_called_anything(string name)
    {
        var accessor = new GeneratedAccessor(_folder, Classifier(), name: name);

        Assert.AreEqual("", string.Join("\n", accessor.Problems));
    }

    [TestMethod]
    public void No_member_of_an_accessor_can_be_the_name_of_its_class()
    {
        var digits = new GeneratedAccessor(_folder, Everything(), targets: ["tensorrt", "cuda", "cpu-x64", "cpu"], compressed: Compressed(Everything())).Load().GetType("MyApp.Digits")!;
        var beside = new GeneratedAccessor(_folder, Everything(), metadata: [("Embed", "false")]).Load().GetType("MyApp.Digits")!;

        var members = new[] { digits, beside }.SelectMany(type => type.GetMembers(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Select(member => member.Name).Where(name => char.IsLetter(name[0]) && !name.StartsWith("get_", StringComparison.Ordinal)).Distinct();

        Assert.AreEqual("", string.Join(' ', members.Where(name => !AccessorMembers.IsTaken(name))));
    }

    [TestMethod]
    [DataRow("my-app.3d.class", "my_app._3d.@class")]
    [DataRow("", null)]
    public void The_root_namespace_becomes_a_namespace(string rootNamespace, string? expected)
    {
        var accessor = new GeneratedAccessor(_folder, Classifier(), rootNamespace: rootNamespace);

        Assert.AreEqual("", string.Join("\n", accessor.Problems));
        Assert.AreEqual(expected is not null, accessor.Source.Contains($"namespace {expected}", StringComparison.Ordinal));
    }

    [TestMethod]
    public void Further_dynamic_sizes_are_parameters_and_one_is_inferred()
    {
        var accessor = new GeneratedAccessor(_folder, Model([Tensor("text", Float, "batch", "length")], [Tensor("echo", Float, "batch", "length")], Identity("text", "echo"))).With("""
            namespace MyApp
            {
                public static class Program
                {
                    public static string Main() { using var digits = Digits.Load(); return string.Join(",", digits.Run(new float[6], length: 3).EchoShape.ToArray()); }
                }
            }
            """);

        Assert.AreEqual("2,3", Call(accessor.Load().GetType("MyApp.Program")!, "Main"));
    }

    [TestMethod]
    public void Data_of_the_wrong_length_is_refused_by_name()
    {
        var accessor = new GeneratedAccessor(_folder, Classifier()).With("""
            namespace MyApp { public static class Program { public static void Main() { using var digits = Digits.Load(); digits.Run(new float[4]); } } }
            """);

        var exception = Assert.ThrowsExactly<TargetInvocationException>(() => Call(accessor.Load().GetType("MyApp.Program")!, "Main")).InnerException;

        Assert.IsInstanceOfType<ArgumentException>(exception);
        StringAssert.Contains(exception.Message, "'image' has 4 elements");
    }

    [TestMethod]
    public void Text_scalars_and_tensors_of_any_rank_run()
    {
        var text = Model([Tensor("words", OnnxBytes.Text, "n")], [Tensor("echo", OnnxBytes.Text, "n")], Identity("words", "echo"));
        var scalar = Model([Tensor("rate", Integer64)], [Tensor("echo", Integer64)], Identity("rate", "echo"));
        var anyRank = Model([TensorOfAnyRank("x", Float)], [TensorOfAnyRank("echo", Float)], Identity("x", "echo"));

        Assert.AreEqual("größe", Run(text, "digits.Run(new[] { \"a\", \"größe\" }).Echo[1]"));
        Assert.AreEqual("16000", Run(scalar, "digits.Run(16000).Echo[0].ToString()"));
        Assert.AreEqual("2,2", Run(anyRank, "string.Join(\",\", digits.Run(new float[4], new long[] { 2, 2 }).EchoShape.ToArray())"));
    }

    [TestMethod]
    public void A_type_that_csharp_lacks_leaves_the_session()
    {
        var accessor = new GeneratedAccessor(_folder, Model([Sequence("boxes")], [Tensor("y", Float, 1)]));

        Assert.AreEqual("", string.Join("\n", accessor.Problems));
        StringAssert.Contains(accessor.Source, "No typed Run: 'boxes'");
    }

    [TestMethod]
    public void The_variant_for_the_processor_is_chosen_and_others_can_be_named()
    {
        var accessor = new GeneratedAccessor(_folder, Classifier(), targets: ["tensorrt", "cuda", "directml", "cpu-x64", "cpu-arm64", "cpu"]).With("""
            namespace MyApp
            {
                public static class Program
                {
                    public static string Best() { using var digits = Digits.Load(); return digits.Variant; }
                    public static string Named() { using var digits = Digits.Load("cpu-arm64", new Microsoft.ML.OnnxRuntime.SessionOptions()); return digits.Variant; }
                    public static void Wrong() => Digits.OpenRead("tpu");
                }
            }
            """);
        var program = accessor.Load().GetType("MyApp.Program")!;

        var processor = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        Assert.AreEqual($"cpu-{processor}", Call(program, "Best"));
        Assert.AreEqual("cpu-arm64", Call(program, "Named"));
        Assert.IsInstanceOfType<ArgumentException>(Assert.ThrowsExactly<TargetInvocationException>(() => Call(program, "Wrong")).InnerException);
    }

    [TestMethod]
    public void Session_options_can_be_changed_before_the_session_is_made()
    {
        var program = new GeneratedAccessor(_folder, Classifier(), targets: ["tensorrt", "cuda", "cpu"]).With("""
            namespace MyApp
            {
                public static class Program
                {
                    public static string Main()
                    {
                        string seen = "";
                        using var digits = Digits.LoadWith((variant, options) => { seen += variant; options.IntraOpNumThreads = 1; options.LogId = "mine"; });
                        return $"{seen} {digits.Variant} {digits.Run(new float[] { 5, 7, 9 }).Scores[1]}";
                    }

                    public static void Refused() { using var digits = Digits.LoadWith((variant, options) => options.AppendExecutionProvider("NoSuchProvider")); }
                    public static void Missing() => Digits.LoadWith(null!);
                }
            }
            """).Load().GetType("MyApp.Program")!;

        Assert.IsTrue(Regex.IsMatch((string)Call(program, "Main")!, "^(cpu){1,2} cpu 7$"));
        Assert.AreEqual("Microsoft.ML.OnnxRuntime.OnnxRuntimeException", Assert.ThrowsExactly<TargetInvocationException>(() => Call(program, "Refused")).InnerException!.GetType().FullName);
        Assert.IsInstanceOfType<ArgumentNullException>(Assert.ThrowsExactly<TargetInvocationException>(() => Call(program, "Missing")).InnerException);
    }

    [TestMethod]
    public void Float16_is_typed_where_artifacts_take_it()
    {
        var accessor = new GeneratedAccessor(_folder, Classifier(), takesHalf: true).With("""
            using Microsoft.ML.OnnxRuntime;
            namespace MyApp { internal static class Program { internal static System.ReadOnlySpan<Float16> Scores(Digits digits, Float16[] pixels) => digits.Run(pixels).Scores; } }
            """);

        Assert.AreEqual("", string.Join("\n", accessor.Problems));
    }

    [TestMethod]
    public void Bfloat16_goes_in_and_comes_out()
    {
        const int bfloat16 = 16;
        var model = Model([Tensor("x", bfloat16, "n")], [Tensor("echo", bfloat16, "n")], Identity("x", "echo"));

        Assert.AreEqual("1.5", Run(model, "((float)digits.Run(new[] { (Microsoft.ML.OnnxRuntime.BFloat16)1.5f }).Echo[0]).ToString(System.Globalization.CultureInfo.InvariantCulture)"));
    }

    private string Run(byte[] model, string expression) => (string)Call(new GeneratedAccessor(_folder, model).With($$"""
        namespace MyApp { public static class Program { public static string Main() { using var digits = Digits.Load(); return {{expression}}; } } }
        """).Load().GetType("MyApp.Program")!, "Main")!;

    private static object? Call(Type program, string method, params object[] arguments) => program.GetMethod(method)!.Invoke(null, arguments);

    // C# 7.3 knows no nullable context, and Roslyn says so about the compilation, not about the source.
    private static IEnumerable<string> Ours(GeneratedAccessor accessor, LanguageVersion language) =>
        accessor.Problems.Where(problem => language >= LanguageVersion.CSharp8 || !problem.Contains("CS8630", StringComparison.Ordinal));

    private static IEnumerable<(string Damage, Func<byte[], byte[]> Break)> Damages =>
    [
        ("cut short", bytes => bytes[..^5]),
        ("cut in the middle", bytes => bytes[..(bytes.Length / 2)]),
        ("empty", bytes => []),
        ("another beginning", bytes => [(byte)(bytes[0] ^ 0xff), .. bytes[1..]]),
        ("one other bit", bytes => [.. bytes[..20], (byte)(bytes[20] ^ 1), .. bytes[21..]]),
        ("another length", bytes => [.. bytes[..^40], (byte)(bytes[^40] - 1), .. bytes[^39..]]),
        ("a negative length", bytes => [.. bytes[..^33], 0xff, .. bytes[^32..]]),
        ("another digest", bytes => [.. bytes[..^1], (byte)(bytes[^1] ^ 1)]),
    ];

    /// <summary>As the worker writes it.</summary>
    private static byte[] Compressed(byte[] model)
    {
        using var stream = new MemoryStream();
        using (var brotli = new BrotliStream(stream, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            brotli.Write(model);
        }

        return [.. stream.ToArray(), .. BitConverter.GetBytes((long)model.Length), .. SHA256.HashData(model)];
    }

    private static byte[] Classifier() => Model([Tensor("image", Float, "N", 3)], [Tensor("scores", Float, "N", 3)], Identity("image", "scores"));

    private bool ProductsSaturate(LanguageVersion language)
    {
        var digits = new GeneratedAccessor(_folder, Classifier(), language: language).Load().GetType("MyApp.Digits")!;
        return (bool)digits.GetMethod("ProductsSaturate", BindingFlags.NonPublic | BindingFlags.Static)!.Invoke(null, null)!;
    }

    private static byte[] Everything() => Model(
        [Tensor("image", Float, "batch", 3, "height", "width"), Tensor("square", Float, "side", "side"), Tensor("rate", Integer64), Tensor("words", OnnxBytes.Text, (object?)null), TensorOfAnyRank("any", UInt8), Tensor("half", 10, 4), Tensor("brain", 16, 4)],
        [Tensor("scores", Float, "batch", 10), Tensor("label", OnnxBytes.Text, 1), Tensor("mask", 9, 4)]);
}
