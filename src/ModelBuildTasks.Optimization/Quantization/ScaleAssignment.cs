using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Gives every value that becomes integers its scale and zero point. Operators that only move elements hand their input's on. A Concat shares one
/// among its inputs and its result where nothing is lost by it; otherwise it rescales its inputs.
/// </summary>
internal sealed class ScaleAssignment
{
    /// <summary>
    /// How much wider the widest input of a Concat may be than the narrowest: at 8, the narrowest keeps 32 of the 256 codes. Beyond, as where
    /// a detector joins coordinates with probabilities, the narrow part would be lost.
    /// </summary>
    private const float WidestConcat = 8;

    private readonly NodeSelection selection;
    private readonly TargetProfile target;
    private readonly Dictionary<Value, Value> parents = [];
    private readonly Dictionary<Value, ValueRange> ranges = [];
    private readonly HashSet<Node> sharing = [];
    private Dictionary<Value, ValueRange>? groupRanges;

    internal ScaleAssignment(NodeSelection selection, IReadOnlyDictionary<Value, ValueRange> observed, TargetProfile target)
    {
        this.selection = selection;
        this.target = target;
        foreach (Node node in selection.Nodes)
        {
            Value[] inputs = [.. QuantizableOperators.DataInputs(node).Select(index => node.Input(index)!)];
            foreach (Value input in inputs.Where(input => !selection.IsInteger(input)))
            {
                ranges[input] = input.Constant is { } constant ? RangeOf(constant) : observed[input];
            }

            groupRanges = null;
            if (QuantizableOperators.IsTransparent(node, target))
            {
                parents[node.Output] = inputs[0];
            }
            else if (QuantizableOperators.IsConcat(node, target))
            {
                ranges[node.Output] = inputs.Select(GroupRange).Aggregate((all, next) => all.Including(next));
                Share(node, inputs);
            }
            else if (selection.GivesIntegers(node))
            {
                ranges[selection.ResultOf(node)] = observed[selection.ResultOf(node)];
            }
        }

        groupRanges = null;
    }

    /// <summary>Whether a Concat copies integers, all of one scale.</summary>
    internal bool IsSharing(Node concat) => sharing.Contains(concat);

    internal QuantizationParameters this[Value value] => ArrivedQuantization.Of(Root(value), target) ?? QuantizationParameters.ForActivations(GroupRange(value), target);

    /// <summary>The value whose scale a value has: its own, unless elements are only moved or joined.</summary>
    internal Value SourceOf(Value value) => Root(value);

    /// <summary>The tensors whose range has to be observed for a selection.</summary>
    internal static IReadOnlyList<Value> ToObserve(NodeSelection selection, TargetProfile target)
    {
        OrderedDictionary<Value, bool> values = [];
        foreach (Node node in selection.Nodes)
        {
            foreach (Value input in QuantizableOperators.DataInputs(node).Select(index => node.Input(index)!))
            {
                if (!selection.IsInteger(input) && input.Constant is null)
                {
                    values[input] = true;
                }
            }

            if (!QuantizableOperators.IsTransparent(node, target) && !QuantizableOperators.IsConcat(node, target) && selection.GivesIntegers(node))
            {
                values[selection.ResultOf(node)] = true;
            }
        }

        return [.. values.Keys];
    }

    /// <summary>A chosen Concat whose inputs differ too much in range to share the 256 codes of its result; null when there is none.</summary>
    internal Node? TooWideConcat() => selection.Nodes.FirstOrDefault(node =>
        QuantizableOperators.IsConcat(node, target)
        && node.Inputs.Select(input => ranges[Representative(input!)].Including(0).Width).Where(width => width > 0).ToArray() is { Length: > 1 } widths
        && widths.Max() > widths.Min() * WidestConcat);

    private Value Root(Value value)
    {
        while (parents.TryGetValue(value, out Value? parent))
        {
            value = parent;
        }

        return value;
    }

    /// <summary>The value whose own range stands for this one's: what moved elements came from, before any sharing.</summary>
    private Value Representative(Value value)
    {
        while (!ranges.ContainsKey(value))
        {
            value = parents[value];
        }

        return value;
    }

    /// <summary>The range of all that has this value's scale. Found for all groups at once, and again when ranges or groups have changed.</summary>
    private ValueRange GroupRange(Value value)
    {
        groupRanges ??= ranges.GroupBy(entry => Root(entry.Key), entry => entry.Value)
            .ToDictionary(group => group.Key, group => group.Aggregate((all, next) => all.Including(next)));
        return groupRanges[Root(value)];
    }

    /// <summary>Joins the groups of a Concat's inputs, unless a Relu or Clip in front could then no longer be absorbed.</summary>
    private void Share(Node concat, Value[] inputs)
    {
        Dictionary<Value, Value> before = new(parents);
        foreach (Value input in inputs)
        {
            Value root = Root(input);
            if (root != concat.Output)
            {
                parents[root] = concat.Output;
            }
        }

        groupRanges = null;
        QuantizationParameters shared = this[concat.Output];
        bool absorbs = ranges.Keys
            .Where(value => Root(value) == concat.Output && selection.SourceOf(value) is not null)
            .Select(value => selection.Clamp(selection.SourceOf(value)!))
            .All(clamp => clamp is null || shared.Clamps(QuantizableOperators.ClampBound(clamp)!.Value));
        if (absorbs)
        {
            sharing.Add(concat);
            return;
        }

        parents.Clear();
        foreach ((Value value, Value parent) in before)
        {
            parents[value] = parent;
        }

        groupRanges = null;
    }

    private static ValueRange RangeOf(Tensor constant)
    {
        MinMaxObserver observer = new();
        observer.Observe(constant.Span<float>());
        return observer.Range;
    }
}
