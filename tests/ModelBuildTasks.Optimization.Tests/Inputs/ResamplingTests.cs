using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Inputs;

[TestClass]
public sealed class ResamplingTests
{
    /// <summary>Sums that lie on a half, of which a reduction by 8/5 has many, go one way with Pillow's weights of 22 bits, and may go the other here.</summary>
    private const double MostNeighbours = 0.06;

    public static IEnumerable<object[]> Cases =>
        from description in new[]
        {
            """{ "resize": "Stretch" }""", """{ "resize": "Stretch", "interpolation": "Bicubic" }""", """{ "resize": "Crop" }""", """{ "resize": "Crop", "interpolation": "Bicubic" }""",
            """{ "resizeTo": 40 }""", """{ "resizeTo": 47, "interpolation": "Bicubic" }""",
        }
        from size in new[] { (200, 301), (333, 57), (20, 15), (32, 24), (64, 48), (41, 1000), (1, 1) }
        select new object[] { description, size.Item1, size.Item2 };

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Images_become_what_a_data_set_makes_of_them(string description, int height, int width)
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, 1, 3, 32, 24);

        (float[] expected, float[] found) = model.Describe(description).AddImage(height, width).Run().Single();

        float[] differences = [.. expected.Zip(found, (left, right) => Math.Abs(left - right))];
        Assert.IsLessThanOrEqualTo(1, differences.Max());
        Assert.IsLessThanOrEqualTo(MostNeighbours, differences.Count(difference => difference > 0) / (double)differences.Length);
    }

    [TestMethod]
    public void The_input_takes_any_size()
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, "N", 3, 32, 24);
        using ModelSession session = ModelSession.Open(model.Describe("""{ "resize": "Crop" }""").Made());

        Assert.AreEqual("x: UInt8[N, x_height, x_width, 3]", session.Inputs.Single().ToString());
    }

    [TestMethod]
    public void Several_images_of_one_size_are_resized_together()
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, "N", 3, 4, 4);
        using ModelSession session = ModelSession.Open(model.Describe("""{ "resize": "Stretch" }""").Made());
        byte[] pixels = new byte[2 * 9 * 11 * 3];
        new Random(1).NextBytes(pixels);

        float[] both = session.Run([Tensor.FromBytes(ElementType.UInt8, [2, 9, 11, 3], pixels)])[0].Span<float>().ToArray();

        float[] second = session.Run([Tensor.FromBytes(ElementType.UInt8, [1, 9, 11, 3], pixels.AsMemory(9 * 11 * 3))])[0].Span<float>().ToArray();
        CollectionAssert.AreEqual(second, both[(3 * 4 * 4)..]);
    }

    [TestMethod]
    public void Float16_leaves_the_image_as_it_would_be()
    {
        using PreprocessedModel echo = PreprocessedModel.Of(ElementType.Float, 1, 3, 32, 24);
        Model model = echo.Describe("""{ "resize": "Crop", "interpolation": "Bicubic", "mean": 128, "std": 64 }""").AddImage(37, 3001).Made();
        Value normalised = model.Graph.Outputs[0].Producer!.Inputs[0]!;
        model.Graph.AddOutput(model.Graph.Add("Conv", normalised, model.Graph.AddInitializer("w", Tensor.Create([1, 3, 1, 1], new float[] { 1, 2, 3 }))));
        using ModelSession single = ModelSession.Open(model);
        PassOutcome outcome = new Float16Conversion().Apply(model, new PassContext(TargetProfiles.Cuda));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.IsTrue(model.Graph.Nodes.Any(node => node.OpType == "Conv" && node.Inputs[1]!.Constant!.ElementType == ElementType.Float16));
        IReadOnlyList<Tensor> image = Inference.Data.Dataset.Open(echo.Data, single.Inputs).Read().Single().Inputs;

        using ModelSession half = ModelSession.Open(Float16Emulation.Of(model)!);

        float[] expected = single.Run(image)[0].Span<float>().ToArray();
        float[] found = half.Run(image)[0].Span<float>().ToArray();
        // A neighbouring byte would be 1/64 away; numbers up to 2 are 1/1024 apart.
        Assert.IsLessThanOrEqualTo(1 / 512f, expected.Zip(found, (left, right) => Math.Abs(left - right)).Max());
    }
}
