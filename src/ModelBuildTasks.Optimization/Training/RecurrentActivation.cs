using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>One activation function of an LSTM, GRU or RNN, as an operator. Names are of any letter case, as the ONNX specification has it.</summary>
/// <param name="OpType">The operator.</param>
/// <param name="Alpha">Its attribute <c>alpha</c>; null where it has none.</param>
/// <param name="Beta">Its attribute <c>beta</c>; null where it has none.</param>
internal sealed record RecurrentActivation(string OpType, float? Alpha = null, float? Beta = null)
{
    /// <summary>Functions that are operators of the same name, with the defaults of the specification of LSTM.</summary>
    private static readonly Dictionary<string, RecurrentActivation> Known = new RecurrentActivation[]
    {
        new("Elu", 1f), new("HardSigmoid", 0.2f, 0.5f), new("LeakyRelu", 0.01f), new("Relu"), new("Sigmoid"), new("Softplus"), new("Softsign"), new("Tanh"),
    }.ToDictionary(activation => activation.OpType, StringComparer.OrdinalIgnoreCase);

    /// <summary>What keeps the node's activations from being operators; null when nothing does.</summary>
    public static string? Obstacle(Node node)
    {
        if (node.GetStrings("activations") is not { Length: > 0 } names)
        {
            return null;
        }

        int expected = Defaults(node).Length * (node.GetString("direction") == "bidirectional" ? 2 : 1);
        return names.FirstOrDefault(name => !Known.ContainsKey(name)) is { } unknown ? $"the activation '{unknown}' is not covered"
            : names.Length != expected ? $"it states {names.Length} activations where it has {expected}"
            : null;
    }

    /// <summary>The functions of the first direction, then those of the second. <c>activation_alpha</c> and <c>activation_beta</c> go to those that have such a number, in order.</summary>
    public static RecurrentActivation[] Of(Node node)
    {
        if (node.GetStrings("activations") is not { Length: > 0 } names)
        {
            RecurrentActivation[] defaults = [.. Defaults(node).Select(name => Known[name])];
            return node.GetString("direction") == "bidirectional" ? [.. defaults, .. defaults] : defaults;
        }

        Queue<float> alphas = new(node.GetFloats("activation_alpha") ?? []), betas = new(node.GetFloats("activation_beta") ?? []);
        return [.. names.Select(name => Known[name]).Select(activation => activation with
        {
            Alpha = activation.Alpha is null || alphas.Count == 0 ? activation.Alpha : alphas.Dequeue(),
            Beta = activation.Beta is null || betas.Count == 0 ? activation.Beta : betas.Dequeue(),
        })];
    }

    public Value Apply(Value value)
    {
        Node node = value.Graph.AddNode(OpType, [value]);
        if (Alpha is { } alpha)
        {
            node.Set("alpha", alpha);
        }

        return (Beta is { } beta ? node.Set("beta", beta) : node).Output;
    }

    private static string[] Defaults(Node node) => node.OpType switch { "LSTM" => ["Sigmoid", "Tanh", "Tanh"], "GRU" => ["Sigmoid", "Tanh"], _ => ["Tanh"] };
}
