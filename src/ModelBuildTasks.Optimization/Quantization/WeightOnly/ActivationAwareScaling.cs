using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.Smoothing;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// x·W → (x/s)·(s·W): inputs with large activations get larger weights, which keep more of their digits in a block they share with others (AWQ; Lin et al.,
/// "AWQ: Activation-aware Weight Quantization", 2023). s = m^α with m the root mean square of each input, α searched on the quantized weights' error.
/// </summary>
/// <remarks>
/// The division goes into what computes x: a normalization's scale and bias, or a product's weights, also through Add of a constant and Relu. Scales are powers of two, so
/// that the float model computes the very same numbers. It stands before a quantization that rounds block by block; GPTQ does not need it.
/// </remarks>
/// <param name="format">The form of the codes to come.</param>
public sealed class ActivationAwareScaling(BlockFormat format) : IModelPass
{
    private const int Steps = 10;

    /// <summary>Scales are at most 2 to this power, so that no weight leaves single precision.</summary>
    private const int LargestExponent = 10;

    public string Name => "activation-aware scaling";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (context.Calibration is null)
        {
            return PassOutcome.Refused("Activation-aware scaling needs calibration samples, and there are none.");
        }

        if (QuantizationPreconditions.Refusal(model) is { } precondition)
        {
            return PassOutcome.Refused(precondition);
        }

        List<string> refusals = [];
        int scaled = 0;
        foreach (ScalableInput input in ScalableInput.In(model.Graph, refusals))
        {
            try
            {
                if (Scale(model, input, context) is { } reason)
                {
                    refusals.Add(input.Describe(reason));
                }
                else
                {
                    scaled++;
                }
            }
            catch (CalibrationException exception)
            {
                return scaled > 0 ? throw new InvalidOperationException(exception.Message) : PassOutcome.Refused($"Calibration failed: {exception.Message}.");
            }
        }

        return scaled > 0
            ? PassOutcome.Applied($"{scaled} inputs of matrix products have scales that favour their largest activations.", refusals)
            : PassOutcome.Refused("No matrix product gains from scaled inputs.", refusals);
    }

    private string? Scale(Model model, ScalableInput input, PassContext context)
    {
        context.CancellationToken.ThrowIfCancellationRequested();
        int inputs = input.Channels;
        WeightMatrix[] weights = [.. input.Layers.Select(layer => PackedProduct.From(layer.Node, out _)!.Weight)];
        float[] importance = MomentCollector.Run(model, [(input.Value, inputs)], context.Calibration!, context.CancellationToken)[input.Value].Importance();
        if (importance.Any(moment => !(moment > 0)))
        {
            return "it is zero in all samples";
        }

        double meanLogarithm = importance.Average(moment => Math.Log2(moment) / 2);
        double[] best = [.. Enumerable.Repeat(1.0, inputs)];
        double leastError = weights.Sum(weight => Error(weight, best, importance, context.CancellationToken));
        bool isBetter = false;
        for (int step = 1; step <= Steps; step++)
        {
            double alpha = (double)step / Steps;
            double[] scales = [.. importance.Select(moment => Math.ScaleB(1, (int)Math.Clamp(Math.Round(alpha * (Math.Log2(moment) / 2 - meanLogarithm)), -LargestExponent, LargestExponent)))];
            double error = weights.Sum(weight => Error(weight, scales, importance, context.CancellationToken));
            if (error < leastError)
            {
                (best, leastError, isBetter) = (scales, error, true);
            }
        }

        if (!isBetter)
        {
            return "no scale lowers the error";
        }

        input.Scale(best);
        return null;
    }

    /// <summary>Σ importance·(w − ŵ)², with ŵ = q(s·w)/s.</summary>
    private double Error(WeightMatrix weight, double[] scales, float[] importance, CancellationToken cancellation)
    {
        float[] scaled = new float[weight.Inputs * weight.Outputs];
        ReadOnlySpan<float> stored = weight.Stored.Span<float>();
        for (int i = 0; i < weight.Inputs; i++)
        {
            for (int o = 0; o < weight.Outputs; o++)
            {
                scaled[i * weight.Outputs + o] = (float)scales[i] * weight.Factor * stored[weight.IsTransposed ? o * weight.Inputs + i : i * weight.Outputs + o];
            }
        }

        float[] counts = [.. importance.Select((moment, i) => (float)(moment / (scales[i] * scales[i])))];
        WeightMatrix matrix = new(Tensor.Create([weight.Inputs, weight.Outputs], scaled), IsTransposed: false);
        float[] quantized = BlockQuantizer.Quantize(matrix, format.For(weight.Inputs), format.IsBinary ? new BinaryScaling() : new ScaleSearch(), counts, cancellation).ToSingles();
        double error = 0;
        for (int i = 0; i < quantized.Length; i++)
        {
            double difference = scaled[i] - quantized[i];
            error += counts[i / weight.Outputs] * difference * difference;
        }

        return error;
    }
}
