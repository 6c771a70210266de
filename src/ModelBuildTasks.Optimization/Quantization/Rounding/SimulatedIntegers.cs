using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// The float model with everything rounded as the integers of a choice would be, in float arithmetic: each tensor that becomes integers goes through a pair of QuantizeLinear and DequantizeLinear, and weights and biases are those that
/// the codes mean. Its values have the names of the float model's, so that parts of it can be cut out and differentiated.
/// </summary>
internal sealed class SimulatedIntegers
{
    private readonly Dictionary<Value, Value> rounded = [];
    private readonly HashSet<Node> pairs = [];
    private readonly QuantizationChoice choice;

    /// <param name="model">The float model; it is copied.</param>
    /// <param name="choice">What computes in integers.</param>
    /// <param name="stored">Weights and biases by layer, in the layer's canonical form.</param>
    internal SimulatedIntegers(CalibratedModel model, QuantizationChoice choice, IReadOnlyDictionary<Layer, StoredLayer> stored)
    {
        this.choice = choice;
        Model = model.Model.Clone();
        NodeSelection selection = choice.Selection;
        foreach (Node node in selection.Nodes)
        {
            Node copy = Copy(node);
            foreach (int index in QuantizableOperators.DataInputs(node).Where(index => node.Input(index) is { Constant: null }))
            {
                copy.SetInput(index, Rounded(node.Input(index)!));
            }

            Value result = selection.ResultOf(node);
            if (model.Candidates.IsForCpu && selection.GivesIntegers(node))
            {
                foreach (Use use in Copy(result).Uses.Where(use => !pairs.Contains(use.Node)).ToArray())
                {
                    use.Node.SetInput(use.Index, Rounded(result));
                }
            }
        }

        foreach ((Layer layer, StoredLayer values) in stored)
        {
            Store(layer, values);
        }

        OpsetUpgrade.Apply(Model, IntegerInsertion.FirstOpset);
    }

    internal Model Model { get; }

    /// <summary>The value of that name in this model.</summary>
    internal Value Copy(Value value) => Model.Graph.Find(value.Name)!;

    /// <summary>The node that gives a value of that name.</summary>
    internal Node Copy(Node node) => Model.Graph.Find(node.Output.Name)!.Producer!;

    /// <summary>What a block reads: its entry's integers where all of it reads these, else the entry before it is rounded.</summary>
    internal Value ReadBy(RoundingBlock block)
    {
        Value entry = Copy(block.Entry);
        return block.Nodes.Any(node => Copy(node).Inputs.Contains(entry)) ? entry : rounded.GetValueOrDefault(block.Entry, entry);
    }

    private Value Rounded(Value value)
    {
        if (!rounded.TryGetValue(value, out Value? result))
        {
            Value exact = Copy(value);
            QuantizationParameters parameters = choice.Scales[value];
            Value[] stored = [Model.Graph.AddInitializer(value.Name + "_step", Tensor.Scalar(parameters.Scale)), Model.Graph.AddInitializer(value.Name + "_zero", parameters.ZeroPointTensor())];
            Node quantize = Model.Graph.AddNode("QuantizeLinear", [exact, .. stored]);
            pairs.Add(quantize);
            result = Model.Graph.AddNode("DequantizeLinear", [quantize.Output, .. stored]).Output;
            rounded.Add(value, result);
        }

        return result;
    }

    private void Store(Layer layer, StoredLayer values)
    {
        Node node = Copy(layer.Node);
        node.SetInput(1, Model.Graph.AddInitializer(layer.Node.Output.Name + "_weight", Tensor.Create([.. values.Weight.Codes.Dimensions], values.Weights())));
        if (layer.Node.OpType == "Gemm")
        {
            node.Unset("alpha");
            node.Unset("beta");
            node.Unset("transB");
        }

        if (values.Bias is { } bias)
        {
            node.SetInput(2, Model.Graph.AddInitializer(layer.Node.Output.Name + "_bias", bias));
        }
    }

    /// <summary>The initializer that holds a layer's weights here.</summary>
    internal Value WeightOf(Layer layer) => Copy(layer.Node).Inputs[1]!;

    /// <summary>The initializer that holds a layer's bias here; null where it has none.</summary>
    internal Value? BiasOf(Layer layer) => Copy(layer.Node).Input(2);
}
