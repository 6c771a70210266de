using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class PackedEmbeddingTests
{
    private const int Rows = 40;
    private const int Width = 64;

    [TestMethod]
    [DataRow(2, 4)]
    [DataRow(4, 4)]
    [DataRow(8, 8)]
    public void The_runtime_reads_rows_as_they_were_meant_and_at_four_bits_at_least(int asked, int stored)
    {
        Model model = Table(out Tensor table);
        BlockFormat format = new(asked, 32, IsSymmetric: false);
        float[] expected = BlockQuantizer.Quantize(new WeightMatrix(table, IsTransposed: true), new BlockFormat(stored, 32, false), new RoundToNearest(), [], default).ToSingles();

        Assert.IsTrue(Apply(model, new WeightOnlyQuantization(format, WeightOnlyAlgorithm.RoundToNearest)).Changed);

        long[] indices = [0, 3, 39, 3];
        float[] actual = Run(model, Tensor.Create([2, 2], indices)).ToSingles();
        for (int i = 0; i < indices.Length; i++)
        {
            for (int k = 0; k < Width; k++)
            {
                Assert.AreEqual(expected[k * Rows + indices[i]], actual[i * Width + k], 1e-6f);
            }
        }
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void An_output_projection_that_shares_the_table_shares_the_packed_one(bool isGemm)
    {
        Model model = Table(out _);
        Graph graph = model.Graph;
        Value table = graph.Find("table")!;
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, "rows", Width));
        graph.AddOutput(isGemm
            ? graph.AddNode("Gemm", [x, table, graph.AddInitializer("bias", Tensor.Vector(new float[Rows]))], name: "projection").Set("transB", 1L).Output
            : graph.Add("MatMul", x, graph.AddNode("Transpose", [table]).Set("perm", [1L, 0]).Output));
        Tensor indices = Tensor.Create([1, 2], [4L, 5]);
        Tensor rows = Weights.Uniform(new Random(2), [3, Width]);
        List<Tensor> before = Run(model, [indices, rows]);

        Assert.IsTrue(Apply(model, new WeightOnlyQuantization(new BlockFormat(8, 32, IsSymmetric: false))).Changed);

        List<Tensor> after = Run(model, [indices, rows]);
        Assert.IsLessThan(0.02, RealModels.RelativeError(before[0], after[0]));
        Assert.IsLessThan(0.02, RealModels.RelativeError(before[1], after[1]));
        string[] stored = [.. model.Graph.Initializers.Select(value => value.Name).Where(name => name.StartsWith("table", StringComparison.Ordinal))];
        CollectionAssert.AreEquivalent(new[] { "table_packed", "table_scales", "table_zero_points" }, stored);
    }

    [TestMethod]
    public void A_table_that_something_else_reads_in_float_stays()
    {
        Model model = Table(out _);
        model.Graph.AddOutput(model.Graph.Add("Neg", model.Graph.Find("table")!));

        PassOutcome outcome = Apply(model, new WeightOnlyQuantization(new BlockFormat(4, 32, IsSymmetric: true)));

        Assert.Contains(refusal => refusal.Contains("stored twice", StringComparison.Ordinal), outcome.Refusals);
    }

    [TestMethod]
    public void Rows_of_no_whole_number_of_blocks_stay()
    {
        Model model = Table(out _, width: 40);

        PassOutcome outcome = Apply(model, new WeightOnlyQuantization(new BlockFormat(4, 32, IsSymmetric: true)));

        Assert.Contains(refusal => refusal.Contains("whole number of blocks", StringComparison.Ordinal), outcome.Refusals);
    }

    /// <summary>Rows of a table, and a product that gives the pass a reason to look at the model.</summary>
    private static Model Table(out Tensor table, int width = Width)
    {
        Model model = Model.Create("table", 13, 7);
        table = Weights.Uniform(new Random(1), [Rows, width]);
        Value indices = model.Graph.AddInput("indices", new TensorType(ElementType.Int64, "a", "b"));
        Value rows = model.Graph.AddNode("Gather", [model.Graph.AddInitializer("table", table), indices], name: "embedding").Output;
        model.Graph.AddOutput(rows);
        Value weight = model.Graph.AddInitializer("w", Weights.Uniform(new Random(3), [width, 32]));
        model.Graph.AddOutput(model.Graph.Add("MatMul", model.Graph.Add("Neg", rows), weight));
        return model;
    }

    private static PassOutcome Apply(Model model, WeightOnlyQuantization pass)
    {
        PassOutcome outcome = pass.Apply(model, new PassContext(TargetProfiles.Cpu));
        Assert.IsEmpty(model.Validate());
        return outcome;
    }

    private static Tensor Run(Model model, Tensor input) => Run(model, [input])[0];

    private static List<Tensor> Run(Model model, Tensor[] inputs)
    {
        using ModelSession session = ModelSession.Open(model);
        IReadOnlyList<Tensor> outputs = session.Run(inputs);
        // The first is the rows, the last the projection; the product between is there for the pass.
        return [outputs[0], outputs[^1]];
    }
}
