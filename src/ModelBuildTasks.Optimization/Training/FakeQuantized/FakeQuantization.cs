using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Training.Gradients;

namespace ModelBuildTasks.Optimization.Training.FakeQuantized;

/// <summary>
/// A quantized model in the form that can be trained: in the place of stored integers stand float weights behind a QuantizeLinear, int32 biases are float, and scales that must stay
/// equal are one initializer. It computes what the integers compute, up to the rounding of float. <see cref="Store"/> writes what was trained back into the graph that it was made from.
/// </summary>
/// <remarks>
/// Esser et al., "Learned Step Size Quantization", ICLR 2020. Nothing else of the graph changes: zero points stay, and a folded BatchNormalization stays folded, so that what is
/// trained is what the integer kernels read (Jacob et al., CVPR 2018, § 3.2, train unfolded and fold at the end).
/// </remarks>
internal sealed class FakeQuantization
{
    private readonly IReadOnlyList<ScaleGroup> groups;
    private readonly IReadOnlyList<StoredWeight> weights;
    private readonly IReadOnlyList<StoredBias> biases;

    private FakeQuantization(Model quantized)
    {
        Model = quantized.Clone();
        Graph graph = Model.Graph;
        Node[] nodes = [.. graph.TopologicalOrder()];
        HashSet<Value> fixedScales = FixedByBiases(nodes);
        groups = [.. ScaleGroup.In(graph).Where(group => !group.Scales.Any(fixedScales.Contains))];
        weights = [.. nodes.Select(StoredWeight.Of).OfType<StoredWeight>()];
        biases = [.. nodes.Select(StoredBias.Of).OfType<StoredBias>()];
        Floats = [.. nodes.SelectMany(FloatParts).Distinct()];
        foreach (StoredBias bias in biases)
        {
            bias.Unfold(graph);
        }

        foreach (StoredWeight weight in weights)
        {
            weight.Unfold(graph);
        }

        foreach (ScaleGroup group in groups)
        {
            group.Unite(graph);
        }

        graph.RemoveUnused();
    }

    /// <summary>The trainable form. What trains it sets its initializers.</summary>
    public Model Model { get; }

    /// <summary>The float weights that stand for stored integers, by the name of their initializers. Each is in a unit of its channel's magnitude, so that all are of the order of 1.</summary>
    public IReadOnlyList<string> Weights => [.. weights.Select(weight => weight.Parameter)];

    /// <summary>The float biases that stand for stored integers, in units of what the weights of their channel usually add up to.</summary>
    public IReadOnlyList<string> Biases => [.. biases.Select(bias => bias.Parameter)];

    /// <summary>The scales of weights and activations, which are moved by factors: all are above 0.</summary>
    public IReadOnlyList<string> Scales => [.. groups.Select(group => group.Name)];

    /// <summary>Weights and biases of Conv, Gemm and MatMul that the quantized model has in float.</summary>
    public IReadOnlyList<string> Floats { get; }

    /// <summary>Makes the trainable form of a quantized model, which is not changed.</summary>
    /// <param name="quantized">A model with QuantizeLinear and DequantizeLinear, as <see cref="StaticQuantization"/> makes it.</param>
    /// <returns>Null where the main graph stores no integer weight behind a DequantizeLinear.</returns>
    public static FakeQuantization? Of(Model quantized)
    {
        ArgumentNullException.ThrowIfNull(quantized);
        FakeQuantization made = new(quantized);
        return made.weights.Count > 0 ? made : null;
    }

    /// <summary>Writes integers, scales and biases of the trained form into a model, which then computes what the trained form computes. Its graph stays as it is.</summary>
    /// <param name="into">The model that this was made from, or a copy of it.</param>
    public void Store(Model into)
    {
        ArgumentNullException.ThrowIfNull(into);
        MakeRoomForBiases();
        foreach (ScaleGroup group in groups)
        {
            group.Store(into.Graph, Numbers(group.Name));
        }

        foreach (StoredWeight weight in weights)
        {
            weight.Store(into.Graph, Model.Graph);
        }

        foreach (StoredBias bias in biases)
        {
            bias.Store(into.Graph, bias.FloatIn(Model.Graph));
        }

        foreach (string name in Floats)
        {
            into.Graph.Find(name)!.Initializer = Model.Graph.Find(name)!.Initializer;
        }
    }

    /// <summary>The unit of a bias is made of its layer's scales: where a bias would not fit in int32, as one beside tiny weights may not, these get coarser.</summary>
    private void MakeRoomForBiases()
    {
        foreach (ScaleGroup group in groups)
        {
            float[] numbers = Array.ConvertAll(Numbers(group.Name), QuantizationParameters.AtLeastSmallest);
            Value scale = Model.Graph.Find(group.Name)!;
            scale.Initializer = Tensor.Create([.. scale.Initializer!.Dimensions], numbers);
        }

        foreach (StoredBias bias in biases)
        {
            if (groups.FirstOrDefault(group => group.Holds(bias.WeightScale)) is not { } group)
            {
                continue;
            }

            float inputScale = Numbers(groups.FirstOrDefault(other => other.Holds(bias.InputScale))?.Name ?? bias.InputScale)[0];
            float[] floors = QuantizedBias.SmallestWeightScales(bias.FloatIn(Model.Graph), inputScale);
            float[] numbers = Numbers(group.Name);
            for (int i = 0; i < floors.Length; i++)
            {
                int at = numbers.Length == 1 ? 0 : i;
                numbers[at] = Math.Max(numbers[at], floors[i]);
            }

            Value scale = Model.Graph.Find(group.Name)!;
            scale.Initializer = Tensor.Create([.. scale.Initializer!.Dimensions], numbers);
        }
    }

    private float[] Numbers(string initializer) => Model.Graph.Find(initializer)!.Initializer!.ToSingles();

    /// <summary>Scales that an int32 bias depends on which is written in another way than <see cref="StoredBias"/> knows, so that it could not follow them.</summary>
    private static HashSet<Value> FixedByBiases(IEnumerable<Node> nodes) =>
    [
        .. from bias in nodes
           where ScaleGroup.IsBias(bias) && StoredBias.Of(bias) is null
           from use in bias.Output.Uses
           from input in use.Node.Inputs
           let producer = input?.Producer
           where producer is not null && ScaleGroup.IsConversion(producer)
           select producer.Input(1),
    ];

    private static IEnumerable<string> FloatParts(Node node) =>
        node is { OpType: "Conv" or "Gemm" or "MatMul", Domain: "" }
            ? node.Inputs.Skip(1).OfType<Value>().Where(value => value is { IsInput: false, IsOutput: false, Initializer: { ElementType: ElementType.Float, Length: > 0 } }).Select(value => value.Name)
            : [];
}
