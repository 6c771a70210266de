using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// What training left behind in a model about its activations: behind a BatchNormalization, channel c has the mean β[c] and the deviation |γ[c]|. Folding
/// takes the operator out of the model, so this is gathered before simplification.
/// </summary>
/// <remarks>Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section 4.2.</remarks>
public sealed class NormalizationStatistics
{
    private readonly Dictionary<string, ChannelDistribution> distributions = new(StringComparer.Ordinal);

    private NormalizationStatistics()
    {
    }

    /// <summary>Whether there is nothing to go by.</summary>
    public bool IsEmpty => distributions.Count == 0;

    /// <summary>Reads the statistics of every BatchNormalization in the main graph whose parameters are constant or defaults.</summary>
    public static NormalizationStatistics Of(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        NormalizationStatistics statistics = new();
        foreach (Node node in model.Graph.Nodes.Where(ChannelAffine.IsNormalization))
        {
            if (Doubles(node, 1) is { } gamma && Doubles(node, 2) is { } beta && gamma.Concat(beta).All(double.IsFinite))
            {
                ChannelDistribution normal = ChannelDistribution.Normal(beta, Array.ConvertAll(gamma, Math.Abs));
                statistics.distributions[node.Output.Name] = normal;
                // Folded, the convolution's own result is the normalized one; what a constant factor or summand behind it makes of it is not followed.
                if (!node.Output.Uses.Any(use => ChannelAffine.IsArithmetic(use.Node) && use.Node.Inputs.Any(input => input?.Initializer is not null || input?.Constant is not null)))
                {
                    statistics.distributions[node.Inputs[0]!.Name] = normal;
                }
            }
        }

        return statistics;
    }

    /// <summary>The distribution of a value of the simplified model; null where nothing is known.</summary>
    internal ChannelDistribution? Find(Value value) =>
        value.Uses.Any(use => ChannelAffine.IsNormalization(use.Node)) ? null : distributions.GetValueOrDefault(value.Name);

    private static double[]? Doubles(Node node, int index) => ChannelAffine.Doubles(node.Input(index)?.Constant ?? node.Input(index)?.Initializer);
}
