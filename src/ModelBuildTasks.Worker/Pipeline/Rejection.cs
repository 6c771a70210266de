namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>Why a recipe of <c>Auto</c> did not ship, and what can be done about it.</summary>
/// <param name="Reason">As a clause.</param>
/// <param name="Advice">As a sentence.</param>
internal sealed record Rejection(string Reason, string Advice)
{
    /// <summary>The artifact was compared with the original, and refused.</summary>
    internal static Rejection Of(string refusal, RefusalCause cause) => new(refusal, cause switch
    {
        RefusalCause.Accuracy => "Give more or better CalibrationData, or loosen MaxAccuracyDrop.",
        RefusalCause.Unproven => "Name CalibrationData or EvaluationData: inputs that were drawn prove little.",
        RefusalCause.Latency => "It does not pay on this machine; build on one of those that the app is for, or set ModelMeasurement to Skip, which leaves speed to prediction.",
        RefusalCause.Format => "Set Format to Onnx to have it.",
        RefusalCause.Runtime => "Reference a newer version of ONNX Runtime to have it.",
        RefusalCause.Size => "Nothing but its size stands against it.",
        _ => "Report this with the model if you can.",
    });
}

/// <summary>What stands against an artifact.</summary>
internal enum RefusalCause
{
    /// <summary>It is not the same function, or does not load or run.</summary>
    Broken,

    /// <summary>It can't be written in the format that the project asks for.</summary>
    Format,

    /// <summary>The ONNX Runtime that the project references can't run it.</summary>
    Runtime,

    /// <summary>It loses more accuracy than it may.</summary>
    Accuracy,

    /// <summary>There is no data, and it is unlike the original on drawn inputs.</summary>
    Unproven,

    /// <summary>It was measured slower.</summary>
    Latency,

    /// <summary>Its file is larger than the original.</summary>
    Size,
}
