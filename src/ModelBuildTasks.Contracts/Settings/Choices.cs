using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;

namespace ModelBuildTasks.Contracts;

/// <summary>Numeric format of the weights and, for <see cref="Int8"/>, of the activations.</summary>
[SuppressMessage("Naming", "CA1720:Identifier contains type name", Justification = "The field's own names, and what users write.")]
public enum Precision { Auto, Float32, Float16, Int8, Int4, Int2, Binary }

/// <summary>How integers are introduced.</summary>
public enum Quantization { Auto, Static, Dynamic, WeightOnly, None }

/// <summary>How static quantization estimates the range of an activation.</summary>
public enum Calibration { Auto, MinMax, Entropy, Percentile, Mse, MovingAverage }

/// <summary>What is removed.</summary>
public enum Pruning { None, Threshold, Magnitude, Structured, SecondOrder, TwoFour, Surgery, Auto }

/// <summary>Whether sparsity is reached over the whole model or in every layer.</summary>
public enum PruningScope { Global, Local }

/// <summary>Recovering accuracy by training in the build.</summary>
public enum FineTune { None, Distill, QuantizationAware, Auto }

/// <summary>What accuracy means; without labels, <see cref="Cosine"/> against the original.</summary>
public enum Metric
{
    Auto, Top1, Top5, F1, Precision, Recall, AreaUnderRoc, MeanAveragePrecision, IntersectionOverUnion, MeanSquaredError, MeanAbsoluteError, Agreement, Cosine, SignalToNoise,
}

/// <summary>What <c>Auto</c> makes best inside the budgets.</summary>
public enum Objective { Latency, Size, Memory, Accuracy }

/// <summary>What an artifact takes and gives where its source has float32: the same, or float16.</summary>
public enum IoPrecision { Source, Float16 }

/// <summary>Form of the artifact.</summary>
public enum ArtifactFormat { Onnx, Ort }

/// <summary>The project's <c>ModelMeasurement</c>: measure where possible, never, or fail when a budget can't be measured.</summary>
public enum Measurement { Auto, Skip, Require }

/// <summary>The project's <c>ModelBudgetSeverity</c>: what a broken budget is.</summary>
public enum BudgetSeverity { Error, Warning, None }

/// <summary>Reads the values of these enumerations as users write them: by name, in any case.</summary>
public static class Choice
{
    /// <summary>Names only: <see cref="Enum.TryParse{TEnum}(string, out TEnum)"/> would also accept "3" and "Int8, Int4".</summary>
    public static bool TryParse<T>(string text, out T value) where T : struct, Enum
    {
        foreach (T candidate in Enum.GetValues(typeof(T)))
        {
            if (candidate.ToString().Equals(text.Trim(), StringComparison.OrdinalIgnoreCase))
            {
                value = candidate;
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <exception cref="FormatException"><paramref name="text"/> names no value of <typeparamref name="T"/>.</exception>
    public static T Parse<T>(string text) where T : struct, Enum =>
        TryParse<T>(text, out var value) ? value : throw new FormatException($"'{text}' is not a {typeof(T).Name}: {string.Join(", ", Names<T>())}.");

    public static IReadOnlyList<string> Names<T>() where T : struct, Enum => Enum.GetNames(typeof(T));
}
