using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>
/// Replaces LSTM, GRU and RNN by the operators of each step, which have rules. The equations are those of the ONNX specification. A node that <see cref="Obstacle"/> speaks of stays as it is.
/// </summary>
internal static class RecurrentUnrolling
{
    private const int SequenceLengths = 4, InitialState = 5, InitialCell = 6, Peepholes = 7;

    /// <param name="node">Replaced in its graph.</param>
    /// <param name="shapes">The shape of every tensor. The sequences have this length from now on.</param>
    public static void Unroll(Node node, IReadOnlyDictionary<Value, long[]> shapes) => new RecurrentLayer(node, shapes).Unroll();

    public static bool IsRecurrent(Node node) => node is { OpType: "LSTM" or "GRU" or "RNN", Domain: "" };

    /// <summary>What keeps the node from being unrolled; null when nothing does.</summary>
    /// <param name="node">Of those that <see cref="IsRecurrent"/>.</param>
    /// <param name="sequence">The shape of its sequence, [steps, batch, inputs].</param>
    public static string? Obstacle(Node node, long[] sequence) =>
        node.Input(SequenceLengths) is { } lengths && !AreAll(lengths, sequence[0]) ? "sequences of different lengths are not covered"
        : node.Input(Peepholes) is not null ? "peepholes are not covered"
        : RecurrentActivation.Obstacle(node) is { } activation ? activation
        : node.Has("clip") ? "clipping is not covered"
        : node.GetInt("input_forget", 0) != 0 ? "coupled gates are not covered"
        : node.GetInt("layout", 0) != 0 ? "batches before steps are not covered"
        : null;

    /// <summary>Whether all sequences are known to be as long as there are steps, so that their lengths say nothing.</summary>
    private static bool AreAll(Value lengths, long steps) =>
        lengths.Constant is { ElementType: ElementType.Int32 } known && !known.Span<int>().ContainsAnyExcept((int)steps);

    /// <summary>One node and the steps that take its place.</summary>
    private sealed class RecurrentLayer(Node node, IReadOnlyDictionary<Value, long[]> shapes)
    {
        private readonly Graph graph = node.Graph;
        private readonly long steps = shapes[node.Input(0)!][0];
        private readonly long batch = shapes[node.Input(0)!][1];
        private readonly long hidden = shapes[node.Input(2)!][2];
        private readonly int directions = (int)shapes[node.Input(1)!][0];
        private readonly RecurrentActivation[] activations = RecurrentActivation.Of(node);

        public void Unroll()
        {
            List<Value> sequences = [], states = [], cells = [];
            for (int direction = 0; direction < directions; direction++)
            {
                bool isReverse = direction == 1 || node.GetString("direction") == "reverse";
                (Value sequence, Value state, Value? cell) = Direction(direction, isReverse);
                sequences.Add(Reshape(sequence, steps, 1, batch, hidden));
                states.Add(state);
                cells.Add(cell ?? state);
            }

            Replace(0, sequences, axis: 1);
            Replace(1, states, axis: 0);
            Replace(2, cells, axis: 0);
            graph.Remove(node);
        }

        private (Value Sequence, Value State, Value? Cell) Direction(int direction, bool isReverse)
        {
            // W·xₜ + b for all steps in one product.
            int gates = node.OpType switch { "LSTM" => 4, "GRU" => 3, _ => 1 };
            Value weight = Transposed(Part(1, direction)!), recurrent = Transposed(Part(2, direction)!);
            Value[] biases = Part(3, direction) is { } bias ? Split(Reshape(bias, 2 * gates * hidden), 0, 2, gates * hidden) : [Zeros(1), Zeros(1)];
            Value inputs = graph.Add("Add", graph.Add("MatMul", node.Input(0), weight), biases[0]);
            Value[] projected = Split(inputs, 0, (int)steps, 1);

            RecurrentActivation[] functions = activations[(direction * activations.Length / directions)..];
            Value state = Part(InitialState, direction) ?? Zeros(1, batch, hidden);
            Value? cell = node.OpType == "LSTM" ? Part(InitialCell, direction) ?? Zeros(1, batch, hidden) : null;
            Value[] sequence = new Value[steps];
            for (int i = 0; i < steps; i++)
            {
                int step = isReverse ? (int)steps - 1 - i : i;
                (state, cell) = node.OpType switch
                {
                    "LSTM" => Lstm(Preactivation(projected[step], state, recurrent, biases[1]), cell!, functions),
                    "GRU" => (Gru(projected[step], state, recurrent, biases[1], functions), null),
                    _ => (functions[0].Apply(Preactivation(projected[step], state, recurrent, biases[1])), null),
                };
                sequence[step] = state;
            }

            return (Concat(sequence, 0), state, cell);
        }

        /// <summary>Gates i, o, f by the first function, c by the second: C = f ⊙ C + i ⊙ c. The third makes the state: H = o ⊙ h(C).</summary>
        private (Value State, Value Cell) Lstm(Value preactivation, Value cell, RecurrentActivation[] functions)
        {
            Value[] gates = Split(preactivation, 2, 4, hidden);
            Value fresh = graph.Add("Mul", functions[0].Apply(gates[0]), functions[1].Apply(gates[3]));
            Value next = graph.Add("Add", graph.Add("Mul", functions[0].Apply(gates[2]), cell), fresh);
            return (graph.Add("Mul", functions[0].Apply(gates[1]), functions[2].Apply(next)), next);
        }

        /// <summary>Gates z, r by the first function, h by the second: H = h + z ⊙ (H − h). The reset gate r acts on the state, or on its product when <c>linear_before_reset</c> says so.</summary>
        private Value Gru(Value projected, Value state, Value recurrent, Value bias, RecurrentActivation[] functions)
        {
            Value[] x = Split(projected, 2, 3, hidden), r = Split(recurrent, 1, 3, hidden);
            Value[] b = node.Input(3) is null ? [bias, bias, bias] : Split(bias, 0, 3, hidden);
            Value update = functions[0].Apply(Preactivation(x[0], state, r[0], b[0]));
            Value reset = functions[0].Apply(Preactivation(x[1], state, r[1], b[1]));
            Value fresh = node.GetInt("linear_before_reset", 0) != 0
                ? graph.Add("Add", x[2], graph.Add("Mul", reset, graph.Add("Add", graph.Add("MatMul", state, r[2]), b[2])))
                : Preactivation(x[2], graph.Add("Mul", reset, state), r[2], b[2]);
            fresh = functions[1].Apply(fresh);
            return graph.Add("Add", fresh, graph.Add("Mul", update, graph.Add("Sub", state, fresh)));
        }

        private Value Preactivation(Value projected, Value state, Value recurrent, Value bias) =>
            graph.Add("Add", projected, graph.Add("Add", graph.Add("MatMul", state, recurrent), bias));

        /// <summary>An input's part [1, …] for a direction; null when the input is missing.</summary>
        private Value? Part(int input, int direction) =>
            node.Input(input) is not { } value ? null : directions == 1 ? value : Split(value, 0, directions, 1)[direction];

        /// <summary>[1, M, N] as [N, M].</summary>
        private Value Transposed(Value matrix) =>
            graph.AddNode("Transpose", [graph.Add("Squeeze", matrix, Integers(0))]).Set("perm", [1, 0]).Output;

        private void Replace(int output, List<Value> parts, int axis)
        {
            if (output < node.Outputs.Count && node.Outputs[output] is var replaced && (replaced.Uses.Count > 0 || replaced.IsOutput))
            {
                string name = replaced.Name;
                Value whole = Concat([.. parts], axis);
                replaced.ReplaceWith(whole);
                replaced.Name = graph.UniqueName(name);
                whole.Name = name;
            }
        }

        private Value Concat(Value[] parts, int axis) => graph.AddNode("Concat", parts).Set("axis", axis).Output;

        private Value[] Split(Value value, int axis, int parts, long size) =>
            parts == 1 ? [value] : [.. graph.AddNode("Split", [value, Integers([.. Enumerable.Repeat(size, parts)])], parts).Set("axis", axis).Outputs];

        private Value Reshape(Value value, params long[] shape) => graph.Add("Reshape", value, Integers(shape));

        private Value Zeros(params long[] shape) => graph.AddInitializer("zeros", Tensor.Create(shape, new float[shape.Product()]));

        private Value Integers(params long[] values) => graph.AddInitializer("integers", Tensor.Vector(values));
    }
}
