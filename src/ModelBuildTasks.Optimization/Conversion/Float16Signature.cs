using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// float32 x → model → float32 y becomes float16 x → Cast → model → Cast → float16 y: half as much to copy to a device and back, for callers that have float16. Where the model casts to or from float16
/// there, that cast goes, and none comes. What is computed inside stays as it is.
/// </summary>
/// <remarks>Inputs lose what float16 does not hold: 11 binary digits are left, and beyond ±65504 they are infinite. Initializers that are inputs too, which callers need not give, stay.</remarks>
public sealed class Float16Signature : IModelPass
{
    public string Name => "float16 inputs and outputs";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        RuleContext types = new(ShapeInference.Infer(model.Graph), context.Target);
        Value[] inputs = [.. model.Graph.Inputs.Where(input => input is { Initializer: null, Type.ElementType: ElementType.Float })];
        Value[] outputs = [.. model.Graph.Outputs.Distinct().Where(output => !output.IsInput && (output.Type ?? types.TypeOf(output))?.ElementType == ElementType.Float)];
        if (inputs.Length + outputs.Length == 0)
        {
            return PassOutcome.Refused("No input or output is float32.");
        }

        int casts = outputs.Count(output => Give(output, types)) + inputs.Count(Take);
        model.Graph.RemoveUnused();
        return PassOutcome.Applied($"{inputs.Length} inputs and {outputs.Length} outputs are float16 instead of float32, with {casts} casts.");
    }

    /// <returns>Whether a cast had to be put behind the input.</returns>
    private static bool Take(Value input)
    {
        Use[] readers = [.. input.Uses];
        input.Type = input.Type! with { ElementType = ElementType.Float16 };
        Value? single = null;
        foreach (Use reader in readers)
        {
            if (CastsTo(reader.Node, ElementType.Float16) && reader.Node.Output.CanReplaceWith(input))
            {
                reader.Node.Output.ReplaceWith(input);
            }
            else
            {
                single ??= input.Graph.AddNode("Cast", [input], name: $"{input.Name}_to_{ElementType.Float}").Set("to", (long)ElementType.Float).Output;
                reader.Node.SetInput(reader.Index, single);
            }
        }

        return single is not null;
    }

    /// <summary>The output keeps its name; readers inside go on reading float32.</summary>
    /// <returns>Whether a cast had to be put before the output.</returns>
    private static bool Give(Value output, RuleContext types)
    {
        Use[] readers = [.. output.Uses];
        TensorType type = (output.Type ?? types.TypeOf(output)!) with { ElementType = ElementType.Float16 };
        bool isCast = output.Producer is { } last && CastsTo(last, ElementType.Float) && types.TypeOf(last.Inputs[0]!)?.ElementType == ElementType.Float16 && output.CanReplaceWith(last.Inputs[0]!);
        Value half;
        if (isCast)
        {
            half = output.Producer!.Inputs[0]!;
            output.ReplaceWith(half);
        }
        else
        {
            half = output.InsertAfter("Cast").Set("to", (long)ElementType.Float16).Output;
        }

        half.Type = type;
        foreach (Use reader in readers)
        {
            reader.Node.SetInput(reader.Index, output);
        }

        return !isCast;
    }

    private static bool CastsTo(Node node, ElementType type) => node is { OpType: "Cast", Domain: "" } && node.GetInt("to", 0) == (long)type;
}
