using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class QuantizedEmbeddingTests
{
    private const int Words = 512, Width = 256;

    private readonly Model model = Model.Create("text", 13, 7);

    [TestMethod]
    public void Stores_the_table_in_bytes_and_looks_up_each_row_by_its_own_scale()
    {
        Value table = Table();
        Value looked = LookUp(table);
        model.Graph.AddOutput(looked);
        float[] exact = table.Initializer!.ToSingles();
        PassOutcome outcome = Quantize();

        StringAssert.Contains(outcome.Explanation, "1 embeddings are stored in them");
        using ModelSession session = ModelSession.Open(model);
        float[] actual = session.Run([Tensor.Create([1, 4], [0L, 3, 511, 3])])[1].ToSingles();
        for (int i = 0; i < actual.Length; i++)
        {
            int row = new[] { 0, 3, 511, 3 }[i / Width];
            float step = Enumerable.Range(0, Width).Max(column => Math.Abs(exact[row * Width + column])) / 127;
            Assert.AreEqual(exact[row * Width + i % Width], actual[i], 0.501f * step);
        }
    }

    [TestMethod]
    public void Leaves_a_table_in_float_that_something_else_reads_as_floats()
    {
        Value table = Table();
        LookUp(table);
        model.Graph.AddOutput(model.Graph.Add("ReduceMax", table));
        PassOutcome outcome = Quantize();
        Assert.IsTrue(outcome.Changed);
        Assert.IsFalse(outcome.Explanation.Contains("embeddings", StringComparison.Ordinal));
        Assert.AreEqual(ElementType.Float, model.Graph.Find("table")!.Initializer!.ElementType);
    }

    private PassOutcome Quantize() => new DynamicQuantization().Apply(model, new PassContext(TargetProfiles.Cpu));

    /// <summary>Rows grow, as those of frequent words do.</summary>
    private Value Table()
    {
        float[] values = Weights.Uniform(new Random(3), [Words, Width]).ToSingles();
        for (int i = 0; i < values.Length; i++)
        {
            values[i] *= 1 + i / Width;
        }

        return model.Graph.AddInitializer("table", Tensor.Create([Words, Width], values));
    }

    private Value LookUp(Value table)
    {
        Value rows = model.Graph.AddInput("rows", new TensorType(ElementType.Int64, 1, 4));
        Value looked = model.Graph.Add("Gather", table, rows);
        model.Graph.AddOutput(model.Graph.Add("MatMul", looked, model.Graph.AddInitializer("w", Weights.Uniform(new Random(4), [Width, 1024]))));
        return looked;
    }
}
