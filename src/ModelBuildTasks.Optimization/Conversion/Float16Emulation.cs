using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// A float16 model as float32 operators that round each result to float16, which shows on any processor what hardware gives that computes in float16 and adds in float32, as tensor cores do. ONNX Runtime
/// on a CPU does not show it: it computes such a model between casts to float32, and takes the casts between two operators out, so that nothing is rounded and nothing overflows.
/// </summary>
public static class Float16Emulation
{
    /// <returns>Null where the model computes nothing in float16.</returns>
    public static Model? Of(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        Model emulated = model.Clone();
        Value[] half = [.. ShapeInference.Infer(emulated.Graph).Where(entry => entry.Value.ElementType == ElementType.Float16 && entry.Key.Producer is { OpType: not "Constant" }).Select(entry => entry.Key)];
        if (half.Length == 0)
        {
            return null;
        }

        new Float32Conversion().Apply(emulated, new PassContext(TargetProfiles.Cpu));
        foreach (Value value in half)
        {
            Value rounded = value.InsertAfter("Cast").Set("to", (long)ElementType.Float16).Output;
            rounded.InsertAfter("Cast").Set("to", (long)ElementType.Float);
        }

        return emulated;
    }
}
