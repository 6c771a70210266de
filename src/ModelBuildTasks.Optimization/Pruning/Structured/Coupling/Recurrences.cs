using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>
/// Recurrent layers: a hidden unit goes with its row in every gate and its column in the recurrence, in both directions of a bidirectional layer (ONNX
/// docs/Operators.md: W [directions, gates·hidden, inputs], R [directions, gates·hidden, hidden], B [directions, 2·gates·hidden]).
/// </summary>
internal static class Recurrences
{
    internal static void Lstm(NodeChannels node) => Recurrence(node, gates: 4);

    internal static void Gru(NodeChannels node) => Recurrence(node, gates: 3);

    internal static void Rnn(NodeChannels node) => Recurrence(node, gates: 1);

    private const int InitialState = 5;
    private const int InitialCell = 6;
    private const int Peepholes = 7;

    private static void Recurrence(NodeChannels node, int gates)
    {
        if (node.Constant(1) is not { Dimensions.Count: 3 } || node.Constant(2) is not { Dimensions.Count: 3 } recurrence || node.Node.GetInt("layout", 0) != 0)
        {
            return;
        }

        int[] hidden = node.NewChannels((int)recurrence.Dimensions[2]);
        node.Contract(1, 2, 0, 2);
        node.Weight(1, 1, Repeated(hidden, gates));
        node.Weight(2, 1, Repeated(hidden, gates));
        node.ContractRecurrence(hidden);
        Stacked(node, 3, hidden, 2 * gates);
        Stacked(node, Peepholes, hidden, gates - 1);
        State(node, InitialState, hidden);
        State(node, InitialCell, hidden);

        node.Pass(0, 0);
        foreach (Value output in node.Node.Outputs)
        {
            node.Give(output, output == node.Node.Outputs[0] ? 3 : 2, hidden);
        }

        node.WhenRemoved(hidden, removal => node.Node.Set("hidden_size", (long)removal.Count(hidden)));
    }

    private static void Stacked(NodeChannels node, int input, int[] hidden, int times)
    {
        if (node.Constant(input) is { Dimensions.Count: 2 } constant && constant.Dimensions[1] == hidden.Length * times)
        {
            node.Weight(input, 1, Repeated(hidden, times));
        }
        else if (node.Node.Input(input) is { } computed)
        {
            node.Keep(hidden, $"'{computed.Name}' of {DependencyGraph.Describe(node.Node)} is no constant");
        }
    }

    /// <summary>[directions, batch, hidden]; zeros that a Shape makes are computed, and have no channels.</summary>
    private static void State(NodeChannels node, int input, int[] hidden)
    {
        if (node.Node.Input(input) is null)
        {
            return;
        }

        if (node.Constant(input) is { Dimensions.Count: 3 })
        {
            node.Weight(input, 2, hidden);
        }
        else if (node.Peek(input, 2) is { } state && state.Length == hidden.Length)
        {
            node.Join(node.Read(input, 2)!, hidden);
        }
        else
        {
            node.Keep(hidden, $"the state that {DependencyGraph.Describe(node.Node)} starts from is fed or computed");
        }
    }

    private static int[] Repeated(int[] channels, int times) => [.. Enumerable.Repeat(channels, times).SelectMany(all => all)];
}
