using System.Collections.Immutable;

namespace ModelBuildTasks.Onnx;

/// <summary>Where a <see cref="Pattern"/> was found: the values behind its names, and the nodes that it covers.</summary>
public sealed class PatternMatch
{
    private readonly ImmutableDictionary<string, Value?> values;
    private readonly ImmutableList<Node> nodes;

    private PatternMatch(Node root, ImmutableDictionary<string, Value?> values, ImmutableList<Node> nodes)
    {
        Root = root;
        this.values = values;
        this.nodes = nodes;
    }

    /// <summary>The node whose output the pattern computes.</summary>
    public Node Root { get; }

    /// <summary>Every node that an operator of the pattern stands for, the root first.</summary>
    public IReadOnlyList<Node> Nodes => nodes;

    /// <summary>The value that <paramref name="name"/> stands for.</summary>
    /// <exception cref="KeyNotFoundException">The pattern has no such name, or an optional input is left out.</exception>
    public Value this[string name] => values.GetValueOrDefault(name) ?? throw new KeyNotFoundException($"The match at {Root} has no value named '{name}'.");

    /// <summary>
    /// An inner result (not the root's) that something outside the pattern reads, or the graph hands out; null when there is none.
    /// With one, replacing the root is safe, but what computes that result stays.
    /// </summary>
    public Value? ReadOutside =>
        nodes.Where(node => node != Root).SelectMany(node => node.Outputs)
            .FirstOrDefault(output => output.IsOutput || output.Uses.Any(use => !nodes.Contains(use.Node)));

    /// <summary>The value that <paramref name="name"/> stands for; null when an optional input is left out or the alternative that matched has no such name.</summary>
    public Value? Find(string name) => values.GetValueOrDefault(name);

    /// <summary>Makes readers of the root read <paramref name="replacement"/>, and removes the nodes of the pattern that nothing reads any more.</summary>
    /// <exception cref="InvalidOperationException">The root cannot be replaced: <see cref="Value.CanReplaceWith"/> is false.</exception>
    public void ReplaceWith(Value replacement)
    {
        Root.Output.ReplaceWith(replacement);
        // A node with two readers in the pattern can go only after both.
        for (ImmutableList<Node> left = nodes, unread; !left.IsEmpty; left = left.RemoveRange(unread))
        {
            unread = left.FindAll(node => node.Outputs.All(output => output.Uses.Count == 0 && !output.IsOutput));
            if (unread.IsEmpty)
            {
                return;
            }

            unread.ForEach(node => node.Graph.Remove(node));
        }
    }

    internal static PatternMatch Nothing(Node root) => new(root, ImmutableDictionary<string, Value?>.Empty, []);

    internal bool TryGet(string name, out Value? value) => values.TryGetValue(name, out value);

    internal PatternMatch With(string name, Value? value) => new(Root, values.SetItem(name, value), nodes);

    internal PatternMatch With(Node node) => nodes.Contains(node) ? this : new(Root, values, nodes.Add(node));
}
