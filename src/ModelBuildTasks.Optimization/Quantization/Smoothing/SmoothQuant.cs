using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Quantization.Smoothing;

/// <summary>
/// x·W → (x/s)·(s·W) with s = max|x|^α / max|W|^(1−α) for each channel: the few channels of a transformer that are many times as large as the others hand that over to
/// the weights, and the one step of a tensor of integers is fine enough for all. The float model computes what it did. α is the one that leaves the
/// least measured error in the products of each value; a value none of them helps is left as it is.
/// </summary>
/// <remarks>Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models", ICML 2023. The paper has one α for a model; on a
/// generated encoder, 0.5 for all left 1.2 times the error that searched ones do, with outlier channels and without.</remarks>
public sealed class SmoothQuant : IModelPass
{
    /// <summary>Which channels are large hardly depends on the sample.</summary>
    private const int MostSamples = 32;

    /// <summary>α from 0.1 to 0.9: the paper's models are best between 0.5 and 0.8.</summary>
    private const int Steps = 10;

    /// <summary>Scales that leave more of the error than this are not worth a changed model: the draw of rows alone changes it by 5 to 14 %.</summary>
    private const double WorthIt = 0.8;

    public string Name => "SmoothQuant";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (context.Target.Activations is null)
        {
            return PassOutcome.Refused($"The target '{context.Target}' has no kernels for quantized activations.");
        }

        if (context.Calibration is not { Count: > 0 })
        {
            return PassOutcome.Refused("SmoothQuant needs calibration samples, and there are none.");
        }

        if (QuantizationPreconditions.Refusal(model) is { } precondition)
        {
            return PassOutcome.Refused(precondition);
        }

        List<string> refusals = [];
        IReadOnlyList<ScalableInput> inputs = ScalableInput.In(model.Graph, refusals);
        if (inputs.Count == 0)
        {
            return PassOutcome.Refused("No matrix product reads what could take up a scale of its channels.", refusals);
        }

        try
        {
            return Smooth(model, inputs, refusals, context);
        }
        catch (CalibrationException exception)
        {
            return PassOutcome.Refused($"Calibration failed: {exception.Message}.", refusals);
        }
    }

    private static PassOutcome Smooth(Model model, IReadOnlyList<ScalableInput> inputs, List<string> refusals, PassContext context)
    {
        Dictionary<Value, int> channels = inputs.ToDictionary(input => input.Value, input => input.Channels);
        Dictionary<Value, IRangeObserver> seen = Calibrator.Run(
            model, [.. channels.Keys], context.Calibration!.Take(MostSamples), value => new ChannelRows(channels[value]), context.Progress, context.CancellationToken);
        (double[]? Scales, double Left)[] best = new (double[]?, double)[inputs.Count];
        // Each is measured on the model as it was; scaling one changes nothing that another reads.
        Parallel.For(0, best.Length, new ParallelOptions { CancellationToken = context.CancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
            best[i] = Best(new SmoothingTrial(inputs[i], (ChannelRows)seen[inputs[i].Value], context.Target), inputs[i].Channels));
        List<double> left = [];
        for (int i = 0; i < best.Length; i++)
        {
            if (best[i].Scales is { } scales)
            {
                inputs[i].Scale(scales);
                left.Add(best[i].Left);
            }
            else
            {
                refusals.Add(inputs[i].Describe("no scale lowers the error of its products by a fifth"));
            }
        }

        return left.Count > 0
            ? PassOutcome.Applied(FormattableString.Invariant($"The channels of {left.Count} inputs of matrix products were smoothed; the error of their products in integers fell to {left.Average():0%} on average."), refusals)
            : PassOutcome.Refused("No matrix product loses less with smoothed inputs.", refusals);
    }

    private static (double[]? Scales, double Left) Best(SmoothingTrial trial, int channels)
    {
        double before = trial.Error([.. Enumerable.Repeat(1.0, channels)]);
        (double[]? scales, double least) = (null, WorthIt * before);
        for (int step = 1; step < Steps; step++)
        {
            double[] tried = trial.Scales((double)step / Steps);
            double error = trial.Error(tried);
            if (error < least)
            {
                (scales, least) = (tried, error);
            }
        }

        return (scales, least / before);
    }
}
