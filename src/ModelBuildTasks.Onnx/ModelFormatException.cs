namespace ModelBuildTasks.Onnx;

/// <summary>What is wrong with a model file.</summary>
public enum ModelFormatError
{
    /// <summary>The bytes are not an ONNX model.</summary>
    NotOnnx,

    /// <summary>The file ends before the model does.</summary>
    Truncated,

    /// <summary>External data is missing, too short, or lies outside the model's folder.</summary>
    ExternalData,

    /// <summary>One tensor has more bytes than a span.</summary>
    TensorTooLarge,

    /// <summary>The model contradicts itself: a shape and its bytes, a name that nothing defines, a name defined twice.</summary>
    Invalid,
}

/// <summary>A model that cannot be read; the message says what was found and what was expected.</summary>
public sealed class ModelFormatException(ModelFormatError error, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The kind of fault.</summary>
    public ModelFormatError Error { get; } = error;

    internal static ModelFormatException Invalid(string message) => new(ModelFormatError.Invalid, message);
}
