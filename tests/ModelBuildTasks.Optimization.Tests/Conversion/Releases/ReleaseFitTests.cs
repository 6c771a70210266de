using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion.Releases;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Conversion.Releases;

[TestClass]
public sealed class ReleaseFitTests
{
    [TestMethod]
    public void A_model_that_fits_is_left_alone()
    {
        Model model = Packed(4);
        byte[] before = model.ToBytes();

        (IReadOnlyList<string> done, string? refusal) = ReleaseFit.Apply(model, RuntimeRelease.Find("1.31.1")!);

        Assert.IsNull(refusal);
        Assert.HasCount(0, done);
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void The_bias_of_a_packed_product_is_added_apart_where_the_release_has_no_place_for_it()
    {
        Model model = Packed(4);
        float[] expected = Run(model);

        (IReadOnlyList<string> done, string? refusal) = ReleaseFit.Apply(model, RuntimeRelease.Find("1.17.3")!);

        Assert.IsNull(refusal);
        Assert.HasCount(1, done);
        Assert.AreEqual(4, model.Graph.Nodes.Single(node => node.OpType == "MatMulNBits").Inputs.Count(input => input is not null));
        float[] found = Run(model);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found[i], 1e-5);
        }
    }

    [TestMethod]
    [DataRow("MatMulNBits", 4, "1.16.3", "1.17")]
    [DataRow("MatMulNBits", 8, "1.21.1", "1.22")]
    [DataRow("MatMulNBits", 2, "1.23.2", "1.24")]
    [DataRow("GatherBlockQuantized", 4, "1.22.0", "1.23")]
    [DataRow("GatherBlockQuantized", 8, "1.22.0", "1.23")]
    public void Bits_that_the_release_does_not_know_are_refused_with_both_versions(string opType, int bits, string references, string needs)
    {
        string? refusal = ReleaseFit.Apply(Packed(bits, hasTable: opType == "GatherBlockQuantized"), RuntimeRelease.Find(references)!).Refusal;

        StringAssert.Contains(refusal, $"{opType} of {bits} bits");
        StringAssert.Contains(refusal, $"needs ONNX Runtime {needs}, and the project references {references}");
    }

    [TestMethod]
    public void Rows_of_a_type_of_four_bits_are_older_than_rows_in_bytes()
    {
        Model model = Packed(4, hasTable: true);
        model.Graph.Nodes.Single(node => node.OpType == "GatherBlockQuantized").Unset("bits");

        Assert.IsNull(ReleaseFit.Apply(model, RuntimeRelease.Find("1.20.1")!).Refusal);
    }

    [TestMethod]
    public void A_newer_operator_set_and_format_are_lowered()
    {
        Model model = Model.Create("g", 22, 10);
        model.Graph.AddOutput(model.Graph.Add("Relu", model.Graph.AddInput("x", new TensorType(ElementType.Float, 2))));

        (IReadOnlyList<string> done, string? refusal) = ReleaseFit.Apply(model, RuntimeRelease.Find("1.15.1")!);

        Assert.IsNull(refusal);
        Assert.HasCount(2, done);
        Assert.AreEqual(19, model.Opset);
        Assert.AreEqual(9, model.IrVersion);
    }

    [TestMethod]
    public void What_the_release_does_not_read_is_refused_with_its_version()
    {
        Model model = Model.Create("g", 20, 9);
        model.Graph.AddOutput(model.Graph.Add("Gelu", model.Graph.AddInput("x", new TensorType(ElementType.Float, 2))));

        StringAssert.Contains(ReleaseFit.Apply(model, RuntimeRelease.Find("1.16.3")!).Refusal, "ONNX Runtime 1.16.3, which the project references, reads operator sets up to 19");
    }

    [TestMethod]
    public void Notes_of_an_exporter_do_not_ask_for_a_newer_format()
    {
        string path = RealModels.Require("silero_vad_op18_ifless.onnx");
        Model model = Model.Load(path);
        Assert.AreEqual(10, model.LowestIrVersion, "The model has changed: this tests nothing.");

        (_, string? refusal) = ReleaseFit.Apply(model, RuntimeRelease.Find("1.14.0")!);

        Assert.IsNull(refusal);
        Assert.AreEqual(8, model.IrVersion);
        using ModelSession before = ModelSession.Open(path);
        using ModelSession after = ModelSession.Open(model);
        IReadOnlyList<Tensor> inputs = RealModels.RandomInputs(Path.GetFileName(path), before.Inputs, seed: 4);
        CollectionAssert.AreEqual(before.Run(inputs)[0].ToSingles(), after.Run(inputs)[0].ToSingles());
    }

    private static Model Packed(int bits, bool hasTable = false)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 64));
        Random random = new(3);
        Value weights = model.Graph.AddInitializer("w", Tensor.Create([64, 32], [.. Enumerable.Range(0, 64 * 32).Select(_ => random.NextSingle() - 0.5f)]));
        Value bias = model.Graph.AddInitializer("b", Tensor.Vector([.. Enumerable.Range(0, 32).Select(_ => random.NextSingle())]));
        model.Graph.AddOutput(model.Graph.Add("Gemm", x, weights, bias));
        if (hasTable)
        {
            Value table = model.Graph.AddInitializer("table", Tensor.Create([40, 64], [.. Enumerable.Range(0, 40 * 64).Select(_ => random.NextSingle())]));
            model.Graph.AddOutput(model.Graph.Add("Gather", table, model.Graph.AddInput("indices", new TensorType(ElementType.Int64, 1))));
        }

        PassOutcome outcome = new WeightOnlyQuantization(new BlockFormat(bits, 32, IsSymmetric: false)).Apply(model, new PassContext(TargetProfiles.Cpu, null, null, CancellationToken.None));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        return model;
    }

    private static float[] Run(Model model)
    {
        using ModelSession session = ModelSession.Open(model);
        return session.Run([Tensor.Create([1, 64], [.. Enumerable.Range(0, 64).Select(i => MathF.Sin(i))])])[0].ToSingles();
    }
}
