using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

/// <summary>Networks with samples, and what pruning makes of their outputs.</summary>
internal static class SampledPruning
{
    /// <summary>Two convolutions, of which the second has groups, a pooling and ten outputs.</summary>
    internal static SmallNetwork Convolutions(int groups = 1)
    {
        SmallNetwork network = new();
        Value first = network.Graph.Add("Relu", network.Convolve(network.Input, "first"));
        Node second = network.Graph.AddNode("Conv", [first, network.Weight("second.w", 32, 32 / groups, 3, 3), network.Weight("second.b", 32)], name: "second").Set("pads", [1L, 1, 1, 1]).Set("group", groups);
        network.Classify(network.Graph.Add("Relu", second.Output));
        return network;
    }

    internal static PassContext Context(Dataset samples) => new(TargetProfiles.CpuX64, samples);

    /// <summary>A real model, simplified, with samples of its own kind.</summary>
    internal static (Model Model, Dataset Samples) Real(string name, params ReadOnlySpan<string> data)
    {
        string path = RealModels.Require(name);
        if (RealModels.Data(data) is not { } samples)
        {
            Assert.Inconclusive($"The test needs the samples of '{name}'.");
            throw new InvalidOperationException();
        }

        using ModelSession session = ModelSession.Open(path);
        Model model = Model.Load(path);
        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.CpuX64));
        return (model, Dataset.Open(samples, session.Inputs).Take(128));
    }

    /// <summary>The squared difference of a value between two models over samples, as a share of its energy in the first.</summary>
    /// <param name="value">A value of both; null for the first output.</param>
    internal static double Error(Model original, Model pruned, Dataset samples, string? value = null)
    {
        using ModelSession before = Open(original, value);
        using ModelSession after = Open(pruned, value);
        double signal = 0, noise = 0;
        foreach (Sample sample in samples.Read())
        {
            float[] x = before.Run(sample.Inputs)[0].ToSingles();
            float[] y = after.Run(sample.Inputs)[0].ToSingles();
            signal += x.Sum(v => (double)v * v);
            noise += x.Zip(y, (a, b) => ((double)a - b) * ((double)a - b)).Sum();
        }

        return noise / signal;
    }

    internal static double Sparsity(Model model, params ReadOnlySpan<string> names)
    {
        float[] weights = [.. names.ToArray().SelectMany(name => MagnitudePruningTests.Weights(model, name))];
        return weights.Count(w => w == 0) / (double)weights.Length;
    }

    private static ModelSession Open(Model model, string? value)
    {
        Model copy = model.Clone();
        if (value is not null)
        {
            foreach (Value output in copy.Graph.Outputs.ToArray())
            {
                copy.Graph.RemoveOutput(output);
            }

            copy.Graph.AddOutput(copy.Graph.Find(value)!);
        }

        return ModelSession.Open(copy);
    }
}
