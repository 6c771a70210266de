using System.Text.RegularExpressions;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>
/// Layers that a project excludes from pruning, by names of nodes (of one without a name, that of its result) or of their weights, in which <c>*</c> stands for any characters. Single weights of
/// them stay as they are; of structured pruning, the channels that they make.
/// </summary>
public sealed class ExcludedLayers
{
    private readonly Regex[] patterns;
    private readonly HashSet<string> known;

    /// <param name="patterns">Names, case-sensitive as those of ONNX.</param>
    /// <param name="source">The model whose names they are, where passes that rename weights and nodes come before pruning.</param>
    public ExcludedLayers(IReadOnlyList<string> patterns, Model? source = null)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        this.patterns = [.. patterns.Select(Expression)];

        // What folds or fuses a layer keeps at least one of these names.
        known = source is null ? [] : [.. Layers(source).Where(IsNamed).SelectMany(node => NamesOf(node).Append(node.Outputs[0].Name))];
    }

    /// <summary>No layer.</summary>
    public static ExcludedLayers None { get; } = new([]);

    /// <summary>The patterns that name no layer of a model, each with the names of layers, the most similar first.</summary>
    /// <param name="distance">How far a name is from a pattern.</param>
    public static IEnumerable<(string Pattern, IReadOnlyList<string> Nearest)> Unmatched(IReadOnlyList<string> patterns, Model model, Func<string, string, int> distance)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        ArgumentNullException.ThrowIfNull(model);
        string[][] layers = [.. Layers(model).Select(node => NamesOf(node).ToArray())];
        return patterns
            .Where(pattern => Expression(pattern) is var expression && !layers.Any(names => Array.Exists(names, expression.IsMatch)))
            .Select(pattern => (pattern, (IReadOnlyList<string>)[.. layers.SelectMany(names => names).Distinct().OrderBy(name => distance(name, pattern)).ThenBy(name => name, StringComparer.Ordinal)]));
    }

    internal bool Contains(Node node) => IsNamed(node) || NamesOf(node).Append(node.Outputs[0].Name).Any(known.Contains);

    private bool IsNamed(Node node) => patterns.Length > 0 && NamesOf(node).Any(name => Array.Exists(patterns, pattern => pattern.IsMatch(name)));

    private static IEnumerable<Node> Layers(Model model) =>
        model.Graph.WithSubgraphs().SelectMany(graph => graph.TopologicalOrder()).Where(node => node.Outputs.Count > 0 && WeightsOf(node).Any());

    private static IEnumerable<string> NamesOf(Node node) => WeightsOf(node).Select(weight => weight.Name).Prepend(node.Name.Length > 0 ? node.Name : node.Outputs[0].Name);

    private static IEnumerable<Value> WeightsOf(Node node) =>
        node.Inputs.OfType<Value>().Where(input => input.Constant is { ElementType: ElementType.Float or ElementType.Float16, Dimensions.Count: >= 2 });

    private static Regex Expression(string pattern) => new($"^{Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal)}$", RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
}
