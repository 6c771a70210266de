using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests;

[TestClass]
public sealed class OrtFormatTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("modelbuild-").FullName;

    private string OnnxPath => Path.Combine(folder, "m.onnx");

    private string OrtPath => Path.Combine(folder, "m.ort");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [TestMethod]
    public void The_file_gives_what_the_model_gives_from_its_path_and_from_its_bytes()
    {
        Convolution(OnnxPath);
        OrtFormat.Write(OnnxPath, OrtPath, keepsSignedActivations: false);
        using ModelSession onnx = ModelSession.Open(OnnxPath);
        using ModelSession fromPath = ModelSession.Open(OrtPath);
        using ModelSession fromBytes = ModelSession.Open(File.ReadAllBytes(OrtPath));
        Tensor[] input = [Tensor.Create([1, 8, 6, 6], [.. Enumerable.Range(0, 288).Select(i => MathF.Sin(i))])];

        float[] expected = onnx.Run(input)[0].ToSingles();

        foreach (ModelSession session in (ModelSession[])[fromPath, fromBytes])
        {
            float[] found = session.Run(input)[0].ToSingles();
            Assert.HasCount(expected.Length, found);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.AreEqual(expected[i], found[i], 1e-5f);
            }
        }
    }

    [TestMethod]
    public void The_same_model_gives_the_same_bytes()
    {
        Elementwise(OnnxPath);
        HashSet<string> files = [];
        for (int i = 0; i < 5; i++)
        {
            OrtFormat.Write(OnnxPath, OrtPath, keepsSignedActivations: false);
            files.Add(Convert.ToHexString(File.ReadAllBytes(OrtPath)));
        }

        Assert.HasCount(1, files);
    }

    [TestMethod]
    public void Operators_are_fused_and_of_no_layout_of_this_processor()
    {
        Convolution(OnnxPath);
        OrtFormat.Write(OnnxPath, OrtPath, keepsSignedActivations: false);

        string[] operators = [.. OrtFormat.RequiredOperators(File.ReadAllBytes(OrtPath))];

        CollectionAssert.AreEqual(new[] { "com.microsoft;1;FusedConv" }, operators);
    }

    [TestMethod]
    public void Operators_of_subgraphs_count()
    {
        Branches(OnnxPath);
        OrtFormat.Write(OnnxPath, OrtPath, keepsSignedActivations: false);

        string operators = string.Join(' ', OrtFormat.RequiredOperators(File.ReadAllBytes(OrtPath)));

        StringAssert.Contains(operators, "If");
        StringAssert.Contains(operators, "Sin");
        StringAssert.Contains(operators, "Cos");
    }

    [TestMethod]
    public void A_model_that_ONNX_Runtime_refuses_has_no_ORT_format()
    {
        File.WriteAllText(OnnxPath, "Hello");

        Assert.ThrowsExactly<UnconvertibleException>(() => OrtFormat.Write(OnnxPath, OrtPath, keepsSignedActivations: false));
    }

    [TestMethod]
    public void Bytes_that_are_no_ORT_file_or_a_part_of_one_are_refused()
    {
        Convolution(OnnxPath);
        OrtFormat.Write(OnnxPath, OrtPath, keepsSignedActivations: false);
        byte[] file = File.ReadAllBytes(OrtPath);

        Assert.ThrowsExactly<InvalidDataException>(() => OrtFormat.RequiredOperators(File.ReadAllBytes(OnnxPath)));
        Assert.ThrowsExactly<InvalidDataException>(() => OrtFormat.RequiredOperators(file[..60]));
        Assert.ThrowsExactly<InvalidDataException>(() => OrtFormat.RequiredOperators([.. file[..4], .. file[4..8], .. Enumerable.Repeat((byte)0xff, 100)]));
    }

    /// <summary>x: Float[1, 8, 6, 6] → Conv, Relu: what ONNX Runtime would lay out in blocks of channels (NCHWc) on x64.</summary>
    private static void Convolution(string path)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 8, 6, 6));
        Value weight = model.Graph.AddInitializer("w", Tensor.Create([16, 8, 3, 3], [.. Enumerable.Range(0, 16 * 8 * 9).Select(i => MathF.Cos(i) / 9)]));
        model.Graph.AddOutput(model.Graph.Add("Relu", model.Graph.AddNode("Conv", [x, weight]).Output));
        model.Save(path);
    }

    /// <summary>Of as many operators as ONNX Runtime is sure to list in another order each time.</summary>
    private static void Elementwise(string path)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 4));
        foreach (string operation in new[] { "Sin", "Floor", "Abs", "Tan", "Exp", "Neg", "Cos", "Ceil" })
        {
            x = model.Graph.Add(operation, x);
        }

        model.Graph.AddOutput(x);
        model.Save(path);
    }

    private static void Branches(string path)
    {
        Model model = Model.Create("g", 17, 8);
        Value condition = model.Graph.AddInput("c", new TensorType(ElementType.Bool));
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 4));
        Node node = model.Graph.AddNode("If", [condition]);
        foreach ((string name, string operation) in new[] { ("then_branch", "Sin"), ("else_branch", "Cos") })
        {
            Graph branch = node.AddGraph(name);
            branch.AddOutput(branch.Add(operation, x));
        }

        model.Graph.AddOutput(node.Output);
        model.Save(path);
    }
}
