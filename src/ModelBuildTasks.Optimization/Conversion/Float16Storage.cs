using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// w → Cast(w as float16): stores float32 weights in two bytes and computes in float32 as before. It gives back what lifting a float16 model
/// (<see cref="Float32Conversion"/>) took where a layer did not come to integers. ONNX Runtime folds the Cast when it loads the model, so that it costs no time in a run.
/// </summary>
/// <remarks>Exact for numbers that came from float16. What passes have changed since is rounded to 11 bits, as the model that was lifted was.</remarks>
public sealed class Float16Storage : IModelPass
{
    /// <summary>From here on two bytes a number are more than what a Cast, with the name of its result, adds to the file.</summary>
    private const int FewestNumbers = 256;

    /// <summary>The unit roundoff of float16. A tensor that loses more has numbers beyond its range.</summary>
    private const double LargestLoss = 1.0 / (1 << 11);

    public string Name => "float16 storage";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        int narrowed = 0;
        foreach (Graph graph in model.Graph.WithSubgraphs().ToArray())
        {
            foreach (Value value in graph.Initializers.Where(IsWeight).ToArray())
            {
                context.CancellationToken.ThrowIfCancellationRequested();
                if (Narrowed(value.Initializer!) is { } half)
                {
                    Narrow(value, half);
                    narrowed++;
                }
            }
        }

        return narrowed > 0
            ? PassOutcome.Applied($"{narrowed} tensors of float32 are stored as float16; ONNX Runtime makes them float32 when it loads the model.")
            : PassOutcome.Refused("No float32 weight is large enough, and read by none but operators of ONNX, and within the range of float16.");
    }

    /// <summary>Scales of quantized tensors, which kernels want to see as constants, and what contributed operators read stay as they are.</summary>
    private static bool IsWeight(Value value) =>
        value is { Initializer: { ElementType: ElementType.Float, Length: >= FewestNumbers }, IsInput: false, IsOutput: false }
        && value.Uses.All(use => use.Node.Domain != TargetProfile.ContributedDomain && use.Node.OpType is not ("QuantizeLinear" or "DequantizeLinear"));

    /// <returns>Null when the numbers do not fit.</returns>
    private static Tensor? Narrowed(Tensor tensor)
    {
        ReadOnlySpan<float> numbers = tensor.Span<float>();
        System.Half[] halves = new System.Half[numbers.Length];
        double loss = 0, power = 0;
        for (int i = 0; i < halves.Length; i++)
        {
            halves[i] = (System.Half)numbers[i];
            double difference = (double)numbers[i] - (double)halves[i];
            loss += difference * difference;
            power += (double)numbers[i] * numbers[i];
        }

        // Not a number compares with nothing.
        return Math.Sqrt(loss) <= LargestLoss * Math.Sqrt(power) ? Tensor.Create([.. tensor.Dimensions], halves) : null;
    }

    private static void Narrow(Value value, Tensor half)
    {
        Use[] readers = [.. value.Uses];
        value.Initializer = half;
        value.Type = value.Type is { } type ? type with { ElementType = ElementType.Float16 } : null;
        Value single = value.Graph.AddNode("Cast", [value], name: $"{value.Name}_to_{ElementType.Float}").Set("to", (long)ElementType.Float).Output;
        foreach (Use reader in readers)
        {
            reader.Node.SetInput(reader.Index, single);
        }
    }
}
