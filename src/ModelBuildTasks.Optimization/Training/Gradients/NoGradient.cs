using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Operators whose output does not change with small changes of the input: its derivative is 0 wherever it has one.</summary>
internal sealed class NoGradient(string opType) : IGradientRule
{
    public static IEnumerable<IGradientRule> Rules { get; } =
        from opType in new[]
        {
            "ArgMax", "ArgMin", "Ceil", "ConstantOfShape", "Equal", "Floor", "Greater", "GreaterOrEqual", "Hardmax", "IsInf", "IsNaN", "Less",
            "LessOrEqual", "NonZero", "Round", "Shape", "Sign", "Size",
        }
        select new NoGradient(opType);

    public string OpType => opType;

    public bool Passes(Node node) => false;

    public bool Covers(ElementType type) => true;

    public void Differentiate(Node node, GradientContext context)
    {
    }
}
