namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>The model itself does not run in the ONNX Runtime that the project references.</summary>
/// <param name="reason">As a clause.</param>
internal sealed class UnfitForRuntimeException(string reason) : Exception(reason);
