namespace ModelBuildTasks.Inference.Releases;

/// <summary>A native library that this machine can't load, or that is no ONNX Runtime. It says nothing of any model.</summary>
/// <param name="message">What was found.</param>
/// <param name="inner">What loading it came to.</param>
public sealed class UnusableLibraryException(string message, Exception? inner = null) : Exception(message, inner);
