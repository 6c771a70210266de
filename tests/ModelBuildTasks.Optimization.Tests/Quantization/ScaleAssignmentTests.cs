using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class ScaleAssignmentTests
{
    private const float PixelsOfBox = 350;

    [TestMethod]
    public void Trap_6_boxes_and_probabilities_that_a_concat_joins_each_keep_their_precision()
    {
        SmallNetwork network = new();
        Value features = network.Graph.Add("Relu", network.Convolve(network.Graph.Add("Relu", network.Convolve(network.Input, "a")), "b"));
        Value boxes = network.Graph.Add("Mul", network.Convolve(features, "boxes", outputs: 4), network.Graph.AddInitializer("pixels", Tensor.Scalar(PixelsOfBox)));
        Value scores = network.Graph.Add("Sigmoid", network.Convolve(features, "scores", outputs: 4));
        network.Output(network.Graph.AddNode("Concat", [boxes, scores]).Set("axis", 1L).Output);
        Tensor sample = network.Samples.Read().First().Inputs[0];
        float[] before = Run();

        PassOutcome outcome = network.Quantize();

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        float[] after = Run();
        int half = before.Length / 2;
        Assert.IsLessThan(0.03, Error(before[..half], after[..half]), "boxes");
        Assert.IsLessThan(0.03, Error(before[half..], after[half..]), "scores");

        float[] Run()
        {
            using ModelSession session = ModelSession.Open(network.Model);
            return session.Run([sample])[0].ToSingles();
        }

        static double Error(float[] expected, float[] actual) => expected.Zip(actual, (x, y) => Math.Abs(x - y)).Max() / (expected.Max() - expected.Min());
    }
}
