using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// Stores weights and computes in float16, for hardware that does so natively. Inputs and outputs of the model stay as they
/// are; where the two types meet stands one Cast. Graphs inside nodes are converted too, their own outputs stay float32.
/// </summary>
/// <remarks>
/// A node stays float32 when its operator is not in <see cref="Float16Operators"/>, when it is quantized, when it is a Transpose before a MatMul (see below), when a constant of it does not fit (beyond ±65504,
/// or a scalar that would become zero, such as the ε that guards a division), or when it stands alone among such nodes, where casts would cost more than it gains. Activations
/// that overflow are not foreseen here; judging the result is the caller's part.
/// </remarks>
public sealed class Float16Conversion : IModelPass
{
    public string Name => "float16 conversion";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (!context.Target.ComputesFloat16)
        {
            return PassOutcome.Refused($"The target '{context.Target}' does not compute in float16.");
        }

        Conversion conversion = new(model, context.Target);
        conversion.Choose();
        if (conversion.Half.Count == 0)
        {
            return PassOutcome.Refused("The model has no float32 layer that float16 could compute.", conversion.Refusals);
        }

        context.CancellationToken.ThrowIfCancellationRequested();
        conversion.Convert();
        return PassOutcome.Applied($"{conversion.Half.Count} nodes compute in float16, {conversion.Casts} casts at the borders.", conversion.Refusals);
    }

    private sealed class Conversion(Model model, TargetProfile target)
    {
        private readonly RuleContext types = new(ShapeInference.Infer(model.Graph), target);
        private readonly Node[] nodes = [.. model.Graph.WithSubgraphs().SelectMany(graph => graph.TopologicalOrder())];
        private readonly HashSet<Value> halfValues = [];
        private readonly Dictionary<Value, Value> inHalf = [];
        private readonly Dictionary<Value, Value> inSingle = [];

        /// <summary>Nodes that compute in float16.</summary>
        internal HashSet<Node> Half { get; } = [];

        internal List<string> Refusals { get; } = [];

        internal int Casts { get; private set; }

        internal void Choose()
        {
            foreach (Node node in nodes.Where(node => IsFloat32(node) && Float16Operators.Supports(node) && !IsQuantized(node) && !CrashesOnCpu(node)))
            {
                if (node.Inputs.Where((input, i) => input?.Constant is not null && WantsHalf(node, i)).FirstOrDefault(input => !Fits(input!, node)) is { } misfit)
                {
                    Refusals.Add($"{node} stays float32: '{misfit.Name}' does not fit float16.");
                    continue;
                }

                Half.Add(node);
            }

            DropIslands();
        }

        internal void Convert()
        {
            foreach (Node node in Half)
            {
                Float16Operators.Retype(node);
                halfValues.UnionWith(node.Outputs.Where((output, i) => IsFloat(output) && Float16Operators.OutputIsHalf(node, i)));
            }

            foreach (Node node in nodes)
            {
                for (int i = 0; i < node.Inputs.Count; i++)
                {
                    if (node.Inputs[i] is { } input && IsFloat(input))
                    {
                        bool wantsHalf = Half.Contains(node) && WantsHalf(node, i);
                        if (wantsHalf != halfValues.Contains(input))
                        {
                            node.SetInput(i, wantsHalf ? InHalf(input) : InSingle(input));
                        }
                    }
                }
            }

            foreach (Value value in halfValues)
            {
                Restate(value, ElementType.Float16);
            }

            foreach (Graph graph in model.Graph.WithSubgraphs())
            {
                foreach (Value output in graph.Outputs.Where(halfValues.Contains).Distinct().ToArray())
                {
                    RestoreOutput(graph, output);
                }
            }

            model.Graph.RemoveUnused();
        }

        /// <summary>Whether the value was float32 before the conversion.</summary>
        private bool IsFloat(Value value) => types.TypeOf(value)?.ElementType == ElementType.Float;

        /// <summary>Whether the node touches float32 at all, and nothing of unknown type.</summary>
        private bool IsFloat32(Node node)
        {
            IEnumerable<Value> touched = node.Inputs.OfType<Value>().Concat(node.Outputs.Where(output => output.Uses.Count > 0 || output.IsOutput));
            return touched.All(value => types.TypeOf(value) is not null) && touched.Any(IsFloat);
        }

        /// <summary>What stands between DequantizeLinear and QuantizeLinear is an integer operator to the runtime.</summary>
        private static bool IsQuantized(Node node) => node.Inputs.Any(input => input?.Producer?.OpType is "DequantizeLinear");

        /// <summary>
        /// ONNX Runtime 1.31.1 on a CPU dies (no error, a crash) when its MatmulTransposeFusion meets the Cast that it put itself between a
        /// float16 Transpose and a MatMul. An artifact must load everywhere, be it to be verified, so the Transpose stays float32.
        /// </summary>
        private static bool CrashesOnCpu(Node node) => node.OpType == "Transpose" && node.Output.Uses.Any(use => use.Node.OpType == "MatMul");

        private bool WantsHalf(Node node, int input) => IsFloat(node.Inputs[input]!) && Float16Operators.InputIsHalf(node, input);

        private static bool Fits(Value value, Node node)
        {
            ReadOnlySpan<float> elements = value.Constant!.Span<float>();
            bool isWeight = Float16Operators.IsLayer(node);
            foreach (float element in elements)
            {
                Half half = (Half)element;
                if (!System.Half.IsFinite(half) || (!isWeight && element != 0 && half == (Half)0))
                {
                    return false;
                }
            }

            return true;
        }

        /// <summary>Connected float16 nodes without a layer among them return to float32.</summary>
        private void DropIslands()
        {
            HashSet<Node> seen = [];
            foreach (Node start in nodes.Where(node => Half.Contains(node) && !seen.Contains(node)))
            {
                List<Node> island = [];
                Stack<Node> open = new([start]);
                seen.Add(start);
                while (open.TryPop(out Node? node))
                {
                    island.Add(node);
                    IEnumerable<Node> before = node.Inputs.OfType<Value>().Where(IsFloat).Select(value => value.Producer).OfType<Node>();
                    IEnumerable<Node> after = node.Outputs.Where(IsFloat).SelectMany(value => value.Uses).Select(use => use.Node);
                    foreach (Node neighbour in before.Concat(after).Where(neighbour => Half.Contains(neighbour) && seen.Add(neighbour)))
                    {
                        open.Push(neighbour);
                    }
                }

                if (!island.Any(Float16Operators.IsLayer))
                {
                    Half.ExceptWith(island);
                }
            }
        }

        private Value InHalf(Value value)
        {
            if (inHalf.TryGetValue(value, out Value? half))
            {
                return half;
            }

            if (value.Constant is { } constant)
            {
                Tensor narrow = Tensor.Create([.. constant.Dimensions], Array.ConvertAll(constant.ToSingles(), element => (Half)element));
                if (value.Initializer is not null && !value.IsOutput && value.Uses.All(use => Half.Contains(use.Node) && WantsHalf(use.Node, use.Index)))
                {
                    value.Initializer = narrow;
                    Restate(value, ElementType.Float16);
                    return value;
                }

                half = value.Graph.AddInitializer(value.Name, narrow);
            }
            else
            {
                half = Cast(value, ElementType.Float16);
            }

            return inHalf[value] = half;
        }

        private Value InSingle(Value value) => inSingle.TryGetValue(value, out Value? single) ? single : inSingle[value] = Cast(value, ElementType.Float);

        private Value Cast(Value value, ElementType to)
        {
            Casts++;
            Node cast = value.Graph.AddNode("Cast", [value], name: $"{value.Name}_to_{to}");
            return cast.Set("to", (long)to).Output;
        }

        /// <summary>The output keeps name and type: a cast stands between it and the value that readers inside go on using.</summary>
        private void RestoreOutput(Graph graph, Value output)
        {
            if (!inSingle.TryGetValue(output, out Value? single) || single.IsOutput)
            {
                single = Cast(output, ElementType.Float);
            }

            Use[] readers = [.. output.Uses];
            output.ReplaceWith(single);
            foreach (Use reader in readers)
            {
                reader.Node.SetInput(reader.Index, output);
            }

            Restate(single, ElementType.Float);
        }

        private static void Restate(Value value, ElementType elementType)
        {
            if (value.Type is { } stated)
            {
                value.Type = stated with { ElementType = elementType };
            }
        }
    }
}
