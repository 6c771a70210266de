namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>An artifact is one file, and one Protobuf message, which cannot pass 2 GB. The model may, when what is made of it does not.</summary>
internal sealed class ArtifactTooLargeException() : Exception(Reason)
{
    internal const string Reason = "the artifact, which is one file, would have more than 2 GB";
}
