using MeterReader.Training.Drawing;
using MeterReader.Training.Learning;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace MeterReader.Training.Tests;

[TestClass]
public sealed class TrainingRunTests
{
    [TestMethod]
    public void Repeats_its_first_losses_from_a_seed()
    {
        CollectionAssert.AreEqual(Losses(seed: 4), Losses(seed: 4));
        CollectionAssert.AreNotEqual(Losses(seed: 4), Losses(seed: 5));
    }

    [TestMethod]
    public void The_network_reads_any_number_of_digits_at_once()
    {
        Model model = DigitNetwork.Create(1);
        using ModelSession session = ModelSession.Open(model);
        Assert.AreEqual("pixels: Float[batch, 1, 32, 24]", session.Inputs[0].ToString());
        Assert.AreEqual("scores: Float[batch, 10]", session.Outputs[0].ToString());
        foreach (int count in new[] { 1, 7 })
        {
            Tensor scores = session.Run([Batch.Pixels(DigitImage.DrawMany(1, StreamPurpose.TrainingImages, count))])[0];
            CollectionAssert.AreEqual(new long[] { count, 10 }, scores.Dimensions.ToArray());
        }
    }

    [TestMethod]
    public void The_committed_model_is_good_and_not_perfect()
    {
        double accuracy = Scoring.Of(Model.Load(Sample.Model), Sample.Images("evaluation")).Accuracy;
        Assert.IsGreaterThan(0.97, accuracy);
        Assert.IsLessThan(1, accuracy);
    }

    [TestMethod]
    public void The_committed_model_is_left_for_the_build_to_optimize()
    {
        Model model = Model.Load(Sample.Model);
        Assert.AreEqual(8, model.Graph.Nodes.Count(node => node.OpType == "BatchNormalization"));
        Assert.AreEqual(1, model.Graph.Inputs.Count, "weights are no inputs");
        Assert.IsTrue(model.Graph.Nodes.All(node => !node.Has("training_mode")));
    }

    private static float[] Losses(ulong seed)
    {
        List<float> losses = [];
        new TrainingRun(seed, Steps: 4, BatchSize: 12).Train(DigitImage.DrawMany(seed, StreamPurpose.EvaluationImages, 10), _ => { }, losses.Add);
        return [.. losses];
    }
}
