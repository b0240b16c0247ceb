namespace Ddm.Training;

/// <summary>Where the training of an autoencoder tells what it is at. Calls come from its own thread.</summary>
public interface IVaeProgress
{
    /// <summary>Some more pictures have been read.</summary>
    /// <param name="done">So far.</param>
    /// <param name="total">Of how many.</param>
    void Reading(int done, int total);

    /// <summary>A step has been made.</summary>
    void Training(VaeProgress progress);

    /// <summary>Something a person should know.</summary>
    void Notice(string message);
}
