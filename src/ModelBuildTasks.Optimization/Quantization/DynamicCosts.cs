using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// What dynamic quantization takes from and adds to one layer's time, in nanoseconds on one core. The constants were fitted to ONNX Runtime
/// 1.31.1 on AVX-512 with VNNI over products of 1 to 64 rows and 32 to 1,024 inputs and outputs. Few rows of a small matrix lose: the range of the input must be found, and the
/// kernel that scales the sums pays for every column.
/// </summary>
internal static class DynamicCosts
{
    /// <summary>Stands for a size that the model leaves open, such as the length of a text.</summary>
    private const long OpenSize = 128;

    /// <summary>
    /// Weights of one direction from which on an LSTM of integers is faster than one of floats, be it for a single step: below, quantizing the state at
    /// each step takes longer than the products save (measured: 1.05 of the float time at 32 K, 0.64 at 128 K).
    /// </summary>
    private const long SmallestRecurrence = 48 * 1024;

    /// <summary>Fewer rows than this make a product wait for its weights, not for the multipliers.</summary>
    private const double FewRows = 4;

    private const double FloatVectorMultiplications = 22;
    private const double FloatMultiplications = 90;
    private const double IntegerVectorMultiplications = 100;
    private const double IntegerMultiplications = 270;
    private const double Overhead = 700;

    /// <summary>
    /// A weight that stays in float also costs 3 more bytes to store, load and keep in the cache; the time to read them at
    /// 30 GB/s stands for that, as in <see cref="KernelCosts"/>.
    /// </summary>
    private const double FloatWeight = 0.1;

    private const double Column = 2.3;
    private const double InputElement = 0.15;
    private const double OutputElement = 0.2;

    /// <summary>Why a product had better stay in float; null when integers pay.</summary>
    /// <param name="type">The type of its result, as far as it is known. An open batch size counts as 1, any other open size as 128.</param>
    internal static string? RefusalOfProduct(Layer layer, TensorType? type)
    {
        double rows = 1;
        IReadOnlyList<Dimension> shape = type?.Shape ?? [];
        for (int axis = 0; axis < shape.Count - 1; axis++)
        {
            rows *= shape[axis].Size ?? (axis == 0 ? 1 : OpenSize);
        }

        double outputs = layer.OutputChannels;
        double inputs = layer.Weight.Length / outputs;
        double multiplications = rows * layer.Weight.Length;
        bool few = rows < FewRows;
        double inFloat = FloatWeight * layer.Weight.Length + multiplications / (few ? FloatVectorMultiplications : FloatMultiplications);
        double inIntegers = Overhead + Column * outputs + rows * (InputElement * inputs + OutputElement * outputs)
            + multiplications / (few ? IntegerVectorMultiplications : IntegerMultiplications);
        return inFloat < inIntegers ? $"for {rows:0} rows of {inputs:0} numbers and {outputs:0} results, measuring the range costs more than integers save" : null;
    }

    /// <summary>Why an LSTM had better stay in float; null when integers pay.</summary>
    /// <param name="weights">The numbers in W and R of all directions.</param>
    internal static string? RefusalOfRecurrence(long weights, long directions) =>
        weights / directions < SmallestRecurrence ? $"{weights / directions} weights for a direction are fewer than {SmallestRecurrence}, from where on integers pay" : null;
}
