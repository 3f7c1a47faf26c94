package cop;

/// Answers the requests to a path.
interface Route {
    /// @throws ApiRefusal for an error in the client's envelope; a `Fault` becomes one too
    void handle(Exchange exchange);
}
