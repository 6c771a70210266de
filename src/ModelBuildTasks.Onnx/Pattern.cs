namespace ModelBuildTasks.Onnx;

/// <summary>
/// A small expression of standard operators to look for, written as the formula that it is:
/// <c>Op("Mul", Any("x"), Op("Sigmoid", Any("x")))</c> finds x·σ(x). A name that occurs twice must stand for one value. The two
/// inputs of a commutative operator are tried both ways round.
/// </summary>
public abstract class Pattern
{
    private static readonly HashSet<string> Commutative = ["Add", "Mul", "Max", "Min", "Sum", "Mean", "And", "Or", "Xor", "Equal"];

    private Pattern()
    {
    }

    /// <summary>Any value, constant or computed.</summary>
    public static Pattern Any(string name) => new Hole(name, _ => true, mayBeAbsent: false);

    /// <summary>Any value, or an optional input that the node leaves out. Operators have exactly the stated inputs otherwise.</summary>
    public static Pattern Optional(string name) => new Hole(name, _ => true, mayBeAbsent: true);

    /// <summary>Any constant tensor.</summary>
    public static Pattern Constant(string name) => new Hole(name, value => value.Constant is not null, mayBeAbsent: false);

    /// <summary>
    /// A constant of one element that equals <paramref name="number"/> to the accuracy of its type. Its rank may be above zero, which
    /// can raise the rank of a result: where that matters, the caller compares ranks.
    /// </summary>
    public static Pattern Constant(double number) => new Hole(null, value => value.Constant is { } tensor && ScalarConstant.Is(tensor, number), mayBeAbsent: false);

    /// <summary>A node of the standard operator <paramref name="opType"/>; what is matched is its first output.</summary>
    public static Pattern Op(string opType, params Pattern[] inputs) => new Call(opType, inputs, null, null);

    /// <summary>Whichever matches first.</summary>
    public static Pattern Either(params Pattern[] alternatives) => new Alternatives(alternatives);

    /// <summary>The same pattern, whose value the match then knows by <paramref name="name"/>.</summary>
    public virtual Pattern Named(string name) => new Both(this, Any(name));

    /// <summary>The same operator, only where its node meets <paramref name="condition"/>: attributes, mostly.</summary>
    /// <exception cref="InvalidOperationException">The pattern is not an operator.</exception>
    public virtual Pattern Where(Func<Node, bool> condition) => throw new InvalidOperationException("Only a pattern made by Op has a node to put a condition on.");

    /// <summary>Looks for the pattern at the first output of <paramref name="root"/>; null when it is not there.</summary>
    public PatternMatch? Match(Node root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return root.Outputs.Count == 0 ? null : Matches(root.Output, root.Graph, PatternMatch.Nothing(root)).FirstOrDefault();
    }

    /// <summary>All ways to match, each <paramref name="found"/> with more in it.</summary>
    private protected abstract IEnumerable<PatternMatch> Matches(Value? value, Graph graph, PatternMatch found);

    private sealed class Hole(string? name, Func<Value, bool> condition, bool mayBeAbsent) : Pattern
    {
        private protected override IEnumerable<PatternMatch> Matches(Value? value, Graph graph, PatternMatch found)
        {
            bool fits = value is null ? mayBeAbsent : condition(value);
            if (fits && (name is null || !found.TryGet(name, out Value? known) || known == value))
            {
                yield return name is null ? found : found.With(name, value);
            }
        }
    }

    private sealed class Call(string opType, Pattern[] inputs, string? name, Func<Node, bool>? condition) : Pattern
    {
        public override Pattern Named(string newName) => new Call(opType, inputs, newName, condition);

        public override Pattern Where(Func<Node, bool> other) => new Call(opType, inputs, name, condition is { } first ? node => first(node) && other(node) : other);

        private protected override IEnumerable<PatternMatch> Matches(Value? value, Graph graph, PatternMatch found)
        {
            if (value?.Producer is not { Domain: "" } node || node.OpType != opType || node.Output != value || node.Graph != graph
                || node.Inputs.Count > inputs.Length || (name is not null && found.TryGet(name, out Value? known) && known != value)
                || condition?.Invoke(node) == false)
            {
                return [];
            }

            PatternMatch withNode = found.With(node);
            PatternMatch started = name is null ? withNode : withNode.With(name, value);
            IEnumerable<PatternMatch> asWritten = MatchInputs(node, graph, started, 0, swapped: false);
            return inputs.Length == 2 && Commutative.Contains(opType) ? asWritten.Concat(MatchInputs(node, graph, started, 0, swapped: true)) : asWritten;
        }

        private IEnumerable<PatternMatch> MatchInputs(Node node, Graph graph, PatternMatch found, int index, bool swapped) =>
            index == inputs.Length
                ? [found]
                : inputs[swapped ? inputs.Length - 1 - index : index].Matches(node.Input(index), graph, found)
                    .SelectMany(next => MatchInputs(node, graph, next, index + 1, swapped));
    }

    private sealed class Alternatives(Pattern[] patterns) : Pattern
    {
        private protected override IEnumerable<PatternMatch> Matches(Value? value, Graph graph, PatternMatch found) =>
            patterns.SelectMany(pattern => pattern.Matches(value, graph, found));
    }

    private sealed class Both(Pattern first, Pattern second) : Pattern
    {
        private protected override IEnumerable<PatternMatch> Matches(Value? value, Graph graph, PatternMatch found) =>
            first.Matches(value, graph, found).SelectMany(next => second.Matches(value, graph, next));
    }
}
