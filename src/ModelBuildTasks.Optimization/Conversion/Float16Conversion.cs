using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// Stores weights and computes in float16, for hardware that does so natively. Inputs and outputs of the model stay as they
/// are; where the two types meet stands one Cast. Graphs inside nodes are converted too: what an If gives is float16 where all its branches give that, what Loop and Scan carry stays float32.
/// </summary>
/// <remarks>
/// A node stays float32 when its operator is not in <see cref="Float16Operators"/>, when it is quantized, when a constant of it does not fit (beyond ±65504,
/// or a scalar that would become zero, such as the ε that guards a division), when it sums more numbers than float16 can, or when it stands alone among such nodes, where casts would cost more than it
/// gains; with calibration samples also what comes near the ends of float16's range on them (<see cref="Float16Choice"/>), and the layers that change the outputs most, until they change little
/// (<see cref="Float16Fidelity"/>). There is no bfloat16: CUDA has convolutions of it since operator set 22 only and much of the rest not at all, DirectML has none (ONNX Runtime, OperatorKernels.md), and what
/// stays out of float16's range is float32 here, whose kernels are everywhere.
/// </remarks>
public sealed class Float16Conversion : IModelPass
{
    public string Name => "float16 conversion";

    /// <summary>Whether a target computes in float16 and every layer of the model is in it already: then there is nothing to convert, since what is in float32 has no layer beside it.</summary>
    public static bool IsDone(Model model, TargetProfile target)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(target);
        Node[] layers = [.. model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).Where(Float16Operators.IsLayer)];
        RuleContext types = new(ShapeInference.Infer(model.Graph), target);
        return target.ComputesFloat16 && layers.Length > 0 && layers.All(layer => types.TypeOf(layer.Inputs[0])?.ElementType == ElementType.Float16);
    }

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (!context.Target.ComputesFloat16)
        {
            return PassOutcome.Refused($"The target '{context.Target}' does not compute in float16.");
        }

        ModelSnapshot before = model.TakeSnapshot();

        // Some operators have float16 kernels in newer sets only. A model that can't be lifted does without those.
        OpsetUpgrade.Apply(model, OpsetUpgrade.Newest);
        Float16Choice choice = new(model, context);
        choice.Return(Float16Fidelity.Losing(model, choice, context));
        if (choice.Half.Count == 0)
        {
            model.Restore(before);
            return PassOutcome.Refused("The model has no float32 layer that float16 could compute.", choice.Refusals);
        }

        context.CancellationToken.ThrowIfCancellationRequested();
        int casts = Rewrite(model, choice);
        return PassOutcome.Applied($"{choice.Half.Count} nodes compute in float16, {casts} casts at the borders.", choice.Refusals);
    }

    /// <summary>Carries out a choice that was made for this very model.</summary>
    /// <returns>The number of casts.</returns>
    internal static int Rewrite(Model model, Float16Choice choice)
    {
        Rewriting rewriting = new(model, choice);
        rewriting.Run();
        return rewriting.Casts;
    }

    private sealed class Rewriting(Model model, Float16Choice choice)
    {
        private readonly HashSet<Value> halfValues = [];
        private readonly HashSet<Value> handedOut = [];
        private readonly Dictionary<Value, Value> inHalf = [];
        private readonly Dictionary<Value, Value> inSingle = [];

        internal int Casts { get; private set; }

        internal void Run()
        {
            foreach (Node node in choice.Half)
            {
                Float16Operators.Retype(node);
                halfValues.UnionWith(node.Outputs.Where((output, i) => choice.IsFloat(output) && Float16Operators.OutputIsHalf(node, i)));
            }

            // The innermost first: what a branch gives may come from another one.
            foreach (Node node in choice.Nodes.Reverse().Where(node => node.OpType == "If"))
            {
                HandOut(node);
            }

            foreach (Node node in choice.Nodes)
            {
                for (int i = 0; i < node.Inputs.Count; i++)
                {
                    if (node.Inputs[i] is { } input && choice.IsFloat(input))
                    {
                        bool wantsHalf = choice.Half.Contains(node) && choice.WantsHalf(node, i);
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
                foreach (Value output in graph.Outputs.Where(output => halfValues.Contains(output) && !handedOut.Contains(output)).Distinct().ToArray())
                {
                    RestoreOutput(output);
                }
            }

            RemoveIdleCasts();
            model.Graph.RemoveUnused();
        }

        /// <summary>What all branches give in float16 leaves the If so, instead of by a cast here and another outside.</summary>
        private void HandOut(Node node)
        {
            Graph[] branches = [.. node.Subgraphs];
            for (int i = 0; i < node.Outputs.Count; i++)
            {
                Value[] given = [.. branches.Select(branch => branch.Outputs[i])];
                if (choice.IsFloat(node.Outputs[i]) && given.All(halfValues.Contains) && given.Zip(branches).All(pair => pair.First.Graph == pair.Second))
                {
                    halfValues.Add(node.Outputs[i]);
                    handedOut.UnionWith(given);
                }
            }
        }

        /// <summary>A model that was in float16 in parts has casts between them, which now cast to the type that is there.</summary>
        private void RemoveIdleCasts()
        {
            foreach (Node cast in choice.Nodes.Where(node => choice.Half.Contains(node) && node.OpType == "Cast"))
            {
                Value input = cast.Inputs[0]!;
                bool isHalf = halfValues.Contains(input) || inHalf.ContainsValue(input) || choice.TypeOf(input) == ElementType.Float16;
                if (isHalf && cast.GetInt("to", 0) == (long)ElementType.Float16 && cast.Output.CanReplaceWith(input))
                {
                    cast.Output.ReplaceWith(input);
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
                if (value.Initializer is not null && !value.IsOutput && value.Uses.All(use => choice.Half.Contains(use.Node) && choice.WantsHalf(use.Node, use.Index)))
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
        private void RestoreOutput(Value output)
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
