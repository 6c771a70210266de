using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.Rounding;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// A float model with what its calibration samples showed. One calibration serves any number of choices of what stays in float, and of
/// quantized forms made from them; only tensors that were not looked at before are observed in a further run over the samples.
/// </summary>
internal sealed class CalibratedModel
{
    private readonly Model model;
    private readonly PassContext context;
    private readonly RangeMethod method;
    private readonly Dictionary<Value, IRangeObserver> observers = [];

    /// <exception cref="CalibrationException">The first sample cannot be run.</exception>
    internal CalibratedModel(Model model, PassContext context, RangeMethod method, WeightRounding round)
    {
        this.model = model;
        this.context = context;
        this.method = method;
        Round = round;
        Candidates = new QuantizationCandidates(model.Graph, context.Target, Shapes(model, context.Calibration!));
    }

    internal QuantizationCandidates Candidates { get; }

    /// <summary>How weights become integers in the forms made from here on.</summary>
    internal WeightRounding Round { get; set; }

    /// <summary>What was learned of <see cref="Round"/>; null where nothing was to be.</summary>
    internal LearnedBlocks? Learned { get; set; }

    /// <summary>The float model.</summary>
    internal Model Model => model;

    /// <summary>The fastest choice with at least <paramref name="inFloat"/> in float. What the ranges do not allow is taken out until every range fits.</summary>
    /// <exception cref="CalibrationException">A range cannot be told.</exception>
    internal QuantizationChoice Fastest(FloatNodes inFloat) => Choose(inFloat, Candidates.IsForCpu ? FastestSelection.Find : Plain);

    /// <summary>All in integers that can be, <paramref name="inFloat"/> aside.</summary>
    /// <inheritdoc cref="Fastest"/>
    internal QuantizationChoice All(FloatNodes inFloat) => Choose(inFloat, Plain);

    /// <summary>Observes all that any choice needs that has more in float than this one, so that no further run over the samples is necessary.</summary>
    internal void ObserveAll(NodeSelection selection) =>
        Observe(selection, selection.Nodes
            .SelectMany(node => QuantizableOperators.DataInputs(node).Select(index => node.Input(index)!).Append(selection.ResultOf(node)))
            .Where(value => value.Constant is null)
            .Distinct());

    /// <summary>The quantized form as a model of its own.</summary>
    internal Model Form(QuantizationChoice choice) => Form(choice, Round);

    /// <summary>The quantized form as a model of its own, its weights rounded in another way.</summary>
    internal Model Form(QuantizationChoice choice, WeightRounding round)
    {
        Model copy = model.Clone();
        ApplyTo(copy.Graph, choice, round);
        return copy;
    }

    /// <summary>Makes a graph whose nodes and values are those of this model, by name, the quantized form: a copy, or the branch that the model was taken from.</summary>
    internal void ApplyTo(Graph graph, QuantizationChoice choice) => ApplyTo(graph, choice, Round);

    /// <summary>Makes the model itself the quantized form. It can be the last call only.</summary>
    internal void Apply(QuantizationChoice choice) => Insert(model.Graph, choice.Selection, choice.Scales, Means(), Round);

    private void ApplyTo(Graph graph, QuantizationChoice choice, WeightRounding round)
    {
        QuantizationCandidates candidates = Candidates.In(graph);
        NodeSelection selection = new(candidates, choice.InFloat.Nodes.Select(node => graph.Find(node.Output.Name)!.Producer!).ToHashSet());
        ScaleAssignment scales = new(selection, In(graph, Ranges()), context.Target);
        Insert(graph, selection, scales, In(graph, Means()), round);
    }

    private static NodeSelection Plain(QuantizationCandidates candidates, FloatNodes inFloat) => new(candidates, inFloat.Nodes);

    private void Insert(Graph into, NodeSelection selection, ScaleAssignment scales, IReadOnlyDictionary<Value, double[]> means, WeightRounding round)
    {
        OpsetUpgrade.Apply(into.Model, IntegerInsertion.FirstOpset);
        IntegerInsertion.Apply(into, selection, scales, means, context.Target, round);
    }

    private QuantizationChoice Choose(FloatNodes kept, Func<QuantizationCandidates, FloatNodes, NodeSelection> select)
    {
        FloatNodes inFloat = new(kept);
        while (true)
        {
            NodeSelection selection = select(Candidates, inFloat);
            IReadOnlyList<Value> ranged = ScaleAssignment.ToObserve(selection, context.Target);
            Observe(selection, ranged);
            ScaleAssignment scales = new(selection, Ranges(), context.Target);
            if (scales.TooWideConcat() is not { } concat)
            {
                return new QuantizationChoice(selection, scales, inFloat);
            }

            inFloat.AddTooWide(concat, selection);
        }
    }

    private void Observe(NodeSelection selection, IEnumerable<Value> values)
    {
        Dictionary<Value, int> averaged = ConvolutionInputs(selection);
        Value[] missing = [.. values.Union(averaged.Keys).Where(value => !observers.ContainsKey(value))];
        if (missing.Length == 0)
        {
            return;
        }

        Dictionary<Value, IRangeObserver> added = Calibrator.Run(
            model, missing, context.Calibration!, CreateObserver, context.Progress, context.CancellationToken);
        foreach ((Value value, IRangeObserver observer) in added)
        {
            observers.Add(value, observer);
        }

        IRangeObserver CreateObserver(Value value) =>
            averaged.TryGetValue(value, out int channels) ? new ChannelMeanObserver(method.Create(context.Target), channels) : method.Create(context.Target);
    }

    /// <summary>What calibration saw of a tensor; null where it did not count.</summary>
    internal NumberHistogram? DistributionOf(Value value) => PlanDistributions.Of(observers.GetValueOrDefault(value));

    /// <summary>The mean of each channel of what a convolution reads, where it was observed.</summary>
    internal double[]? MeansOf(Value value) => (observers.GetValueOrDefault(value) as ChannelMeanObserver)?.Means;

    private Dictionary<Value, ValueRange> Ranges() => observers.ToDictionary(entry => entry.Key, entry => entry.Value.Range);

    private Dictionary<Value, double[]> Means() => observers
        .Select(entry => (entry.Key, (entry.Value as ChannelMeanObserver)?.Means))
        .Where(entry => entry.Means is not null)
        .ToDictionary(entry => entry.Key, entry => entry.Means!);

    private static Dictionary<Value, T> In<T>(Graph copy, Dictionary<Value, T> known) => known.ToDictionary(entry => QuantizationCandidates.Visible(copy, entry.Key.Name)!, entry => entry.Value);

    /// <summary>What chosen convolutions read, with its number of channels.</summary>
    private Dictionary<Value, int> ConvolutionInputs(NodeSelection selection)
    {
        Dictionary<Value, int> inputs = [];
        foreach (Layer layer in selection.Layers.Values.Where(layer => !layer.IsProduct))
        {
            Value input = layer.Node.Inputs[0]!;
            if (Candidates.ShapeOf(input) is [_, var channels, ..])
            {
                inputs[input] = (int)channels;
            }
        }

        return inputs;
    }

    private static IReadOnlyDictionary<Value, long[]> Shapes(Model model, Dataset calibration)
    {
        try
        {
            return ShapeProbe.Run(model, model.Graph.Outputs[0], calibration.Read().First().Inputs);
        }
        catch (InferenceException exception)
        {
            throw new CalibrationException($"a calibration sample cannot be run: {exception.Message}");
        }
    }
}
