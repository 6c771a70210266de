using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Inputs;

/// <summary>
/// Puts operators in front of a model, so that it takes what the app has: bytes of an image as they lie in memory, rows first and colours last, of any size where it is resized. The model's
/// operators compute what they did; its input keeps its name and place.
/// </summary>
public static class InputPreprocessing
{
    private static readonly long[] FromChannelsLast = [0, 3, 1, 2];

    private static readonly long[] ToChannelsLast = [0, 2, 3, 1];

    /// <summary>The inputs of a model, for <see cref="Preprocessing.Load"/>; no session is opened for them.</summary>
    public static IReadOnlyList<TensorSignature> InputsOf(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return [.. model.Graph.Inputs.Where(input => input.Initializer is null)
            .Select(input => new TensorSignature(input.Name, input.Type?.ElementType ?? ElementType.Undefined, input.Type?.Shape ?? []))];
    }

    /// <summary>Edits the model in place, and states in its metadata what it does now.</summary>
    /// <returns>Null when it is done, otherwise why it cannot be, the model unchanged.</returns>
    public static string? Apply(Model model, IReadOnlyList<Preprocessing> wanted)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(wanted);
        if (model.Metadata.ContainsKey(Preprocessing.MetadataKey))
        {
            return "it has preprocessing of this kind already";
        }

        foreach (Preprocessing input in wanted)
        {
            if (InputOf(model, input).IsOutput)
            {
                return $"'{input.Input.Name}' is an output as well as an input";
            }
        }

        ModelSnapshot before = model.TakeSnapshot();
        // Before constants come that are no inputs: where weights are, for habit's sake, they would look like options of callers.
        FixedInitializers.Apply(model, []);
        // Resizing computes with sizes, for which older operator sets have no operators.
        long opset = wanted.Any(input => input.Resizing is not null) ? OpsetUpgrade.Newest : OpsetUpgrade.Oldest;
        if (OpsetUpgrade.Apply(model, opset) is { } reason)
        {
            model.Restore(before);
            return reason;
        }

        foreach (Preprocessing input in wanted)
        {
            Insert(InputOf(model, input), input);
        }

        model.IrVersion = Math.Max(model.IrVersion, model.LowestIrVersion);
        model.Metadata[Preprocessing.MetadataKey] = Preprocessing.ToMetadata(wanted);
        return null;
    }

    private static Value InputOf(Model model, Preprocessing input) => model.Graph.Inputs.Single(value => value.Name == input.Input.Name);

    private static void Insert(Value input, Preprocessing wanted)
    {
        Graph graph = input.Graph;
        TensorType own = new(wanted.Input.ElementType, wanted.Input.Shape);
        ElementType given = wanted.GivenType is { } type ? Enum.Parse<ElementType>(type.ToString()) : own.ElementType;
        input.Type = new TensorType(given, GivenShape(wanted));

        Value now = input;
        // Moving bytes is cheaper than moving what they become.
        if (wanted.Order == AxisOrder.Nchw || wanted.Resizing is not null)
        {
            now = Transpose(now, FromChannelsLast, own.Shape!.Count);
        }

        AxisOrder? order = wanted.Resizing is null ? wanted.Order : AxisOrder.Nchw;
        if (given != ElementType.Float)
        {
            now = Cast(now, ElementType.Float);
        }

        if (wanted.Resizing is { } resizing)
        {
            now = Resampling.Insert(now, resizing);
        }

        if (wanted.IsReversed)
        {
            now = now.InsertAfter("Gather", graph.AddInitializer("reversed", Tensor.Create([3], new long[] { 2, 1, 0 }))).Set("axis", order == AxisOrder.Nchw ? -3 : -1).Output;
        }

        now = Arithmetic(now, "Mul", wanted.Factors, none: 1, order);
        now = Arithmetic(now, "Add", wanted.Offsets, none: 0, order);
        if (wanted.Resizing is not null && wanted.Order == AxisOrder.Nhwc)
        {
            now = Transpose(now, ToChannelsLast, own.Shape!.Count);
        }

        if (own.ElementType != ElementType.Float)
        {
            Cast(now, own.ElementType);
        }
    }

    private static Dimension[] GivenShape(Preprocessing wanted)
    {
        IReadOnlyList<Dimension> own = wanted.Input.Shape;
        if (wanted.Order is not { } order)
        {
            return [.. own];
        }

        (Dimension channels, Dimension height, Dimension width) = order == AxisOrder.Nchw ? (own[^3], own[^2], own[^1]) : (own[^1], own[^3], own[^2]);
        if (wanted.Resizing is not null)
        {
            (height, width) = ($"{wanted.Input.Name}_height", $"{wanted.Input.Name}_width");
        }

        return [.. own.Take(own.Count - 3), height, width, channels];
    }

    /// <param name="value">A value of <paramref name="rank"/> axes.</param>
    /// <param name="order">An order of four axes.</param>
    /// <param name="rank">4, or 3 without the batch axis.</param>
    private static Value Transpose(Value value, long[] order, int rank) =>
        value.InsertAfter("Transpose").Set("perm", rank == 4 ? order : [.. order.Skip(1).Select(axis => axis - 1)]).Output;

    private static Value Cast(Value value, ElementType type) => value.InsertAfter("Cast").Set("to", (long)type).Output;

    private static Value Arithmetic(Value value, string opType, IReadOnlyList<double> numbers, double none, AxisOrder? order)
    {
        if (numbers.All(number => number == none))
        {
            return value;
        }

        long[] dimensions = numbers.Count == 1 ? [] : order == AxisOrder.Nchw ? [numbers.Count, 1, 1] : [numbers.Count];
        return value.InsertAfter(opType, value.Graph.AddInitializer(opType == "Mul" ? "factors" : "offsets", Tensor.Create(dimensions, [.. numbers.Select(number => (float)number)]))).Output;
    }
}
