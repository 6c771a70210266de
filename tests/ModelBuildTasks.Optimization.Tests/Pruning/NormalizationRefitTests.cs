using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Pruning.Refitting;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public sealed class NormalizationRefitTests
{
    private const int Channels = 32;

    [TestMethod]
    public void The_result_has_the_mean_and_the_variance_that_it_had()
    {
        SmallNetwork network = Normalized();
        Model pruned = network.Model.Clone();
        new MagnitudePruning(0.6).Apply(pruned, SampledPruning.Context(network.Samples));

        NormalizationRefit.Run(network.Model, pruned, NormalizationRefit.Find(network.Model, pruned, null), network.Samples, CancellationToken.None);

        (double[] means, double[] variances) = Statistics(network.Model, network.Samples);
        (double[] newMeans, double[] newVariances) = Statistics(pruned, network.Samples);
        for (int channel = 0; channel < Channels; channel++)
        {
            Assert.AreEqual(means[channel], newMeans[channel], 1e-3);
            Assert.AreEqual(1, newVariances[channel] / variances[channel], 1e-2);
        }
    }

    [TestMethod]
    public void What_pruning_has_not_changed_keeps_its_statistics()
    {
        SmallNetwork network = Normalized();
        Model same = network.Model.Clone();

        NormalizationRefit.Run(network.Model, same, NormalizationRefit.Find(network.Model, same, null), network.Samples, CancellationToken.None);

        CollectionAssert.AreEqual(network.Model.ToBytes(), same.ToBytes());
    }

    [TestMethod]
    public void The_refit_of_a_pruned_model_includes_them()
    {
        SmallNetwork network = Normalized();
        float before = MagnitudePruningTests.Weights(network.Model, "mean")[0];

        new Reconstruction(new MagnitudePruning(0.6)).Apply(network.Model, SampledPruning.Context(network.Samples));

        Assert.AreNotEqual(before, network.Graph.Nodes.Single(node => node.OpType == "BatchNormalization").Inputs[3]!.Initializer!.ToSingles()[0]);
    }

    private static SmallNetwork Normalized()
    {
        SmallNetwork network = new();
        Value active = network.Graph.Add("Relu", network.Convolve(network.Input, "first"));
        Value[] parameters = [.. new[] { "scale", "shift", "mean", "variance" }.Select((name, i) =>
            network.Graph.AddInitializer(name, Weights.Uniform(new Random(i), [Channels], 0.2f, 0.6f)))];
        network.Output(network.Graph.Add("BatchNormalization", [active, .. parameters]));
        return network;
    }

    private static (double[] Means, double[] Variances) Statistics(Model model, Dataset samples)
    {
        using ModelSession session = ModelSession.Open(model);
        List<float>[] channels = [.. Enumerable.Range(0, Channels).Select(_ => new List<float>())];
        foreach (Sample sample in samples.Read())
        {
            float[] result = session.Run(sample.Inputs)[0].ToSingles();
            for (int i = 0; i < result.Length; i++)
            {
                channels[i / (result.Length / Channels)].Add(result[i]);
            }
        }

        double[] means = [.. channels.Select(values => values.Average(value => (double)value))];
        return (means, [.. channels.Select((values, i) => values.Average(value => Math.Pow(value - means[i], 2)))]);
    }
}
