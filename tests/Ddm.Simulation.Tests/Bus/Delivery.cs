namespace Ddm.Simulation.Tests;

/// <summary>A message in a consumer's hands.</summary>
/// <param name="message">What was sent.</param>
internal sealed class Delivery(object message)
{
    public object Message => message;

    /// <summary>The connection it came over is gone: the broker has given the message to the queue again, and no acknowledgement counts.</summary>
    public bool Void { get; set; }
}
